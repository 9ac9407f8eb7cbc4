package process

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/wayleave/wayleave/gateway"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/store"
)

// reload reads the file again and swaps the gateway whole, or leaves all as it
// is. Requests under way end with the gateway that they began with.
func (p *process) reload(ctx context.Context) error {
	c, err := config.Read(p.file, os.LookupEnv)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried = c // whose files may be what is amiss
	if err != nil {
		return err
	}
	old := p.now.at.Load()
	s := old.store
	if c.Store.Reveal() != p.cfg.Store.Reveal() {
		if s, err = p.openAgain(ctx, c); err != nil {
			return cannotUse(c, err)
		}
	}
	g, err := p.build(c, s)
	if err == nil {
		if err = g.Check(ctx); err != nil {
			err = errors.Join(cannotUse(c, err), g.Close())
		}
	}
	if err != nil {
		if !p.uses(s) {
			err = errors.Join(err, s.Close())
		}
		return allMistakes(err)
	}
	for _, key := range needRestart(p.first, c) {
		p.log.Warn(c.Mistake(key, "has changed", "it takes effect with a restart").Error())
	}
	p.use(c.Log)
	p.warn(c)
	p.now.swap(&served{gateway: g, store: s, url: c.Store.Reveal()})
	p.cfg = c
	p.plan.Exclusive, p.plan.Drain = exclusive(c), c.Limits.Drain
	p.retired[old] = struct{}{}
	p.retire.Go(func() {
		old.wait(c.Limits.Drain)
		err := old.gateway.Close()
		if p.lastOf(old) {
			err = errors.Join(err, old.store.Close())
		}
		if err != nil {
			p.log.Error("closing what served before the reload", "error", err)
		}
	})
	return nil
}

// openAgain opens the file's store, or takes that of a gateway which has not ended
// since the file named it before: this process has it still.
func (p *process) openAgain(ctx context.Context, c *config.Config) (store.Store, error) {
	for old := range p.retired {
		if old.url == c.Store.Reveal() {
			return old.store, nil
		}
	}
	return store.Open(ctx, c.Store.Reveal(), Kinds()...)
}

// lastOf forgets a gateway that is closed, and reports whether no other one uses
// its store: of several reloads in a row the first gateway can be the last to end.
func (p *process) lastOf(old *served) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.retired, old)
	return !p.uses(old.store)
}

// uses reports whether a gateway has the store.
func (p *process) uses(s store.Store) bool {
	for other := range p.retired {
		if other.store == s {
			return true
		}
	}
	return p.now.at.Load().store == s
}

// needRestart lists what a running process cannot change.
func needRestart(old, now *config.Config) (keys []string) {
	for key, same := range map[string]bool{
		"listen": old.Listen == now.Listen, "health": old.Health == now.Health, "admin": old.Admin == now.Admin, "tls": old.TLS == now.TLS,
		"limits.header": old.Limits.Header == now.Limits.Header, "limits.header_time": old.Limits.HeaderTime == now.Limits.HeaderTime, "limits.idle": old.Limits.Idle == now.Limits.Idle,
	} {
		if !same {
			keys = append(keys, key)
		}
	}
	return keys
}

// current is the gateway that serves now.
type current struct{ at atomic.Pointer[served] }

// served is a gateway with the requests that it is answering.
type served struct {
	gateway *gateway.Gateway
	store   store.Store
	url     string // of the store
	users   atomic.Int64
}

func (c *current) gateway() *gateway.Gateway { return c.at.Load().gateway }

// swap puts a gateway in the place of the one that served before.
func (c *current) swap(s *served) { c.at.Store(s) }

// use returns the gateway of the moment, which is not closed before it is let go
// of with leave.
func (c *current) use() *served {
	s := c.at.Load()
	s.users.Add(1)
	for now := c.at.Load(); now != s; now = c.at.Load() { // swapped in between: it may be closed already
		s.leave()
		s = now
		s.users.Add(1)
	}
	return s
}

func (s *served) leave() { s.users.Add(-1) }

// ServeHTTP implements http.Handler.
func (c *current) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := c.use()
	defer s.leave()
	s.gateway.ServeHTTP(w, r)
}

// serveAdmin answers at the admin socket.
func (c *current) serveAdmin(w http.ResponseWriter, r *http.Request) {
	s := c.use()
	defer s.leave()
	s.gateway.AdminHandler().ServeHTTP(w, r)
}

// wait waits for requests under way, but not for ever: streams end then.
func (s *served) wait(limit time.Duration) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); s.users.Load() > 0 && time.Now().Before(end); {
		<-tick.C
	}
}
