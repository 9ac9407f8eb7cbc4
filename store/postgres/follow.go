package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/wayleave/wayleave/store"
)

const (
	// beat lies between two messages that a follower sends itself. What is
	// known is one beat old at most, and the way there and back.
	beat = 150 * time.Millisecond
	// again is the pause before connecting again.
	again = 250 * time.Millisecond
)

// follower is one call of Follow.
type follower struct {
	*Store
	table  string
	ended  func(store.Key)
	missed func()

	ctx    context.Context // ends with stop, or with the store
	proven atomic.Pointer[time.Time]

	// Of the present connection. All of this, ended and missed are used by
	// run's goroutine alone.
	own   string    // the channel on which it sends itself messages
	since time.Time // they say how long after this they were sent
	sent  time.Time // when the last of them was
}

// Follow implements [store.Follower] by LISTEN, on a connection of its own
// beside the pool, over which it also sends itself a message several times a
// second: notifications come in the order of the commits, so that its own one
// proves that all before it have come. A Delete is not acknowledged before its
// notification is committed. Through a pooler that gives each
// transaction another server connection they do not come at all: then current
// stays zero, and callers must ask the database each time. A primary that was
// replaced must be stopped: until it notices, it serves those who are connected
// to it, followers and readers alike.
func (s *Store) Follow(table store.Table, ended func(store.Key), missed func()) (current func() time.Time, stop func()) {
	ctx, cancel := context.WithCancel(s.background)
	f := &follower{Store: s, table: string(table), ended: ended, missed: missed, ctx: ctx}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed.Load() {
		s.tasks.Go(f.run)
	}
	return f.current, cancel
}

func (f *follower) current() time.Time {
	if t := f.proven.Load(); t != nil && f.ctx.Err() == nil {
		return *t
	}
	return time.Time{}
}

// run follows until the end. Why a connection was lost is nobody's business
// here: calls to the same server fail for the same reason, and say so.
func (f *follower) run() {
	for f.ctx.Err() == nil {
		f.follow()
		select {
		case <-f.ctx.Done():
		case <-time.After(again):
		}
	}
}

// follow returns when there is no connection any more.
func (f *follower) follow() {
	conn, err := f.listen()
	if err != nil {
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), hangUpGrace)
		defer cancel()
		conn.Close(ctx)
	}()
	f.miss() // what was ended before the server began to tell
	defer f.miss()
	defer f.proven.Store(nil)
	for f.ctx.Err() == nil {
		if f.send(conn) != nil || f.hear(conn) != nil {
			return
		}
	}
}

// listen returns a connection on which notifications come.
func (f *follower) listen() (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(f.ctx, f.timeout)
	defer cancel()
	f.own, f.since = "wayleave_"+strings.ToLower(rand.Text()), time.Now()
	c := f.pool.Config().ConnConfig
	c.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { f.notified(n) }
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn()} // or each beat would take hangUpGrace longer
	}
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, channel := range []string{f.schema, f.own} {
		if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			conn.Close(ctx)
			return nil, err
		}
	}
	return conn, nil
}

// send sends the next message to itself.
func (f *follower) send(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(f.ctx, f.timeout)
	defer cancel()
	f.sent = time.Now()
	_, err := conn.Exec(ctx, notify, f.own, f.sent.Sub(f.since).String())
	return err
}

// hear takes notifications until it is time for the next message.
func (f *follower) hear(conn *pgx.Conn) error {
	ctx, cancel := context.WithDeadline(f.ctx, f.sent.Add(beat))
	defer cancel()
	for {
		err := conn.PgConn().WaitForNotification(ctx)
		if ctx.Err() != nil && !conn.IsClosed() {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// notified is called for each notification, in their order.
func (f *follower) notified(n *pgconn.Notification) {
	if n.Channel == f.own {
		if after, err := time.ParseDuration(n.Payload); err == nil {
			f.proven.Store(new(f.since.Add(after)))
		}
		return
	}
	table, text, _ := strings.Cut(n.Payload, " ")
	if table != f.table || f.ctx.Err() != nil {
		return
	}
	if b, err := hex.DecodeString(text); err == nil && len(b) == store.KeySize {
		f.ended(store.Key(b))
	}
}

func (f *follower) miss() {
	if f.ctx.Err() == nil {
		f.missed()
	}
}
