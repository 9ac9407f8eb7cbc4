package wayleave

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/reseal"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/vault"
)

// upkeep is what goes on beside the requests: grants that were given up are
// revoked, and records are sealed anew after a change of keys. It begins when the
// store is first known to work, not in New, which asks nobody for anything.
type upkeep struct {
	begin  sync.Once
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	again     chan struct{} // has room for one: something is sealed with an older key
	mu        sync.Mutex
	resealing Resealing
}

func newUpkeep() *upkeep {
	u := &upkeep{again: make(chan struct{}, 1)}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	return u
}

// sealed are the tables whose records outlive a change of keys. Others live for
// minutes.
var sealed = []reseal.Table{
	{Name: session.Table, Purpose: session.Purpose},
	{Name: vault.Table, Purpose: vault.Purpose},
}

// counted is all that a key is needed for: the index seals its own key anew.
var counted = append([]reseal.Table{{Name: index.Table}}, sealed...)

func (a *Auth) startUpkeep() {
	a.upkeep.begin.Do(func() {
		if a.upkeep.ctx.Err() != nil {
			return // closed
		}
		a.upkeep.tasks.Go(func() {
			a.vault.Work(a.upkeep.ctx, func(provider string, err error) {
				a.cfg.Logger.LogAttrs(a.upkeep.ctx, slog.LevelWarn, "grant not revoked yet", slog.String("provider", provider), errAttr(err))
			})
		})
		if len(a.ring.IDs()) > 1 {
			a.upkeep.tasks.Go(a.resealAll)
		}
	})
}

// Resealing is how far the records have been sealed anew with the first key.
type Resealing struct {
	Running bool
	// Seen of all records were looked at; Resealed of those were sealed anew.
	Seen, Resealed int
	// Unreadable were sealed with keys that are not among Config.Keys.
	Unreadable int
	// Finished is when all was done; zero before.
	Finished time.Time
}

// Resealing tells how far the records have been sealed anew. That begins by
// itself soon after the start if there is more than one key. Processes that
// still run with an older first key go on sealing with it, so it is done again
// every hour, and when [Auth.AdminHandler] is asked and finds such records: once
// it finds none, keys behind the first are no longer needed.
func (a *Auth) Resealing() Resealing {
	a.upkeep.mu.Lock()
	defer a.upkeep.mu.Unlock()
	return a.upkeep.resealing
}

// resealEvery is how long after the last time records are sealed anew unasked.
const resealEvery = time.Hour

// resealAll goes on while the program runs: a store that is down now is up
// later, and a process that is being replaced may seal something at its end.
func (a *Auth) resealAll() {
	u := a.upkeep
	const firstPause, longestPause = time.Second, time.Minute
	for pause := firstPause; u.ctx.Err() == nil; {
		switch err := a.resealOnce(u.ctx); {
		case err == nil:
			pause = firstPause
			u.wait(resealEvery, u.again)
		case u.ctx.Err() == nil:
			a.cfg.Logger.LogAttrs(u.ctx, slog.LevelWarn, "records not sealed anew yet", errAttr(err))
			u.wait(pause, nil)
			pause = min(2*pause, longestPause)
		}
	}
}

func (a *Auth) resealOnce(ctx context.Context) error {
	u := a.upkeep
	u.tell(func(r *Resealing) { *r = Resealing{Running: true} })
	if err := a.index.Confirm(ctx); err != nil { // its own key is sealed too
		return err
	}
	err := reseal.Run(ctx, a.store, a.ring, sealed, func(p reseal.Progress) {
		u.tell(func(r *Resealing) { r.Seen, r.Resealed, r.Unreadable = p.Seen, p.Resealed, p.Unknown })
	})
	if err != nil {
		return err
	}
	u.tell(func(r *Resealing) { r.Running, r.Finished = false, time.Now() })
	r := a.Resealing()
	a.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "records are sealed with the first key", slog.Int("seen", r.Seen), slog.Int("resealed", r.Resealed), slog.Int("unreadable", r.Unreadable))
	return nil
}

// tell changes what Resealing returns.
func (u *upkeep) tell(change func(*Resealing)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.resealing)
}

// wait returns after a while, or sooner when called or closed. Nobody calls if
// the channel is nil.
func (u *upkeep) wait(while time.Duration, called <-chan struct{}) {
	select {
	case <-called:
	case <-time.After(while):
	case <-u.ctx.Done():
	}
}

// closeDeadline is how long Close waits for what must not be broken off.
const closeDeadline = 45 * time.Second

// finish waits for logins and refreshes that are under way: what a provider has
// given out once, and nobody has kept, is lost.
func (a *Auth) finish() {
	a.upkeep.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), closeDeadline)
	defer cancel()
	logins := make(chan struct{})
	go func() { a.exchanges.Wait(); a.upkeep.tasks.Wait(); close(logins) }()
	select {
	case <-logins:
	case <-ctx.Done():
	}
	_ = a.vault.Wait(ctx) // there is no more time
	a.sessions.Close()
}
