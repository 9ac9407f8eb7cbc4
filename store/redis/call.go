package redis

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/valkey-io/valkey-go"
)

// nature is what may be done with a call whose answer was lost.
type nature uint8

const (
	reading  nature = iota // may be repeated, and needs no confirmation
	settling               // a write that may be repeated: it ends in the same state and answer
	removing               // must not be repeated: the second answer would be another
)

// call is one script on one key. args begin with the token.
type call struct {
	nature nature
	script *script
	key    string
	args   []string
}

// answer is what a script returned, its token checked and taken off.
type answer struct {
	yes  bool
	rest []string
}

// token makes an answer recognisable where nothing else in it is random.
func token() string {
	return string(binary.BigEndian.AppendUint64(nil, rand.Uint64()))
}

// run makes a call, again and again as long as that is safe and may help.
func (s *Store) run(ctx context.Context, c call) (a answer, err error) {
	err = s.try(ctx, c.nature, func(conn *client) error {
		if c.nature == reading || s.target.replicas == 0 {
			a, err = s.once(ctx, conn, c)
		} else {
			a, err = s.confirmed(ctx, conn, c)
		}
		return err
	})
	return a, err
}

// The pauses before a second, third and fourth attempt: enough for connections
// that a restarted server has closed, and for a slot to change hands; not so
// long that requests pile up before a server that is down.
var pauses = []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond}

// try makes attempts until one succeeds, or another would not be safe or would
// not help.
func (s *Store) try(ctx context.Context, n nature, attempt func(*client) error) error {
	for i := 0; ; i++ {
		conn := s.client.Load()
		err := conn.use(attempt)
		if err == nil {
			return nil
		}
		if broken(err) {
			s.renew(conn)
		}
		if i == len(pauses) || s.closed.Load() || !repeatable(n, err) {
			return err
		}
		select {
		case <-time.After(pauses[i]/2 + rand.N(pauses[i]/2)):
		case <-ctx.Done():
			return err // more telling than that the time is up
		}
	}
}

// once sends a call over the connections that all callers share.
func (s *Store) once(ctx context.Context, conn *client, c call) (answer, error) {
	r := conn.Do(ctx, c.short(conn))
	if forgotten(r) {
		r = conn.Do(ctx, c.long(conn))
	}
	return c.read(r)
}

// short names the script by its hash, long tells the whole of it.
func (c call) short(conn *client) valkey.Completed {
	return conn.B().Evalsha().Sha1(c.script.sha()).Numkeys(1).Key(c.key).Arg(c.args...).Build()
}

func (c call) long(conn *client) valkey.Completed {
	return conn.B().Eval().Script(c.script.text).Numkeys(1).Key(c.key).Arg(c.args...).Build()
}

// forgotten tells whether a server does not know a script, as after a restart.
func forgotten(r valkey.ValkeyResult) bool {
	refusal, ok := valkey.IsValkeyErr(r.Error())
	return ok && refusal.IsNoScript()
}

// read checks that the answer is the one to this call.
func (c call) read(r valkey.ValkeyResult) (answer, error) {
	elements, err := r.ToArray()
	if err != nil {
		if valkey.IsValkeyNil(err) {
			err = errForeign
		}
		return answer{}, err
	}
	if len(elements) < 2 {
		return answer{}, errForeign
	}
	if t, err := elements[0].ToString(); err != nil || t != c.args[0] {
		return answer{}, errForeign
	}
	yes, err := elements[1].AsInt64()
	if err != nil {
		return answer{}, err
	}
	a := answer{yes: yes == 1}
	for _, e := range elements[2:] {
		text, err := e.ToString()
		if err != nil {
			return answer{}, err
		}
		a.rest = append(a.rest, text)
	}
	return a, nil
}
