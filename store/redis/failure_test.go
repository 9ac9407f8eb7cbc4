package redis_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

func TestKilledServerKeepsAcknowledgedWrites(t *testing.T) {
	t.Parallel()
	s := servers.Start(t, servers.Options{Durable: true})
	st := open(t, s.URL())
	w := startWorkers(t, st, 8)
	for range 3 {
		w.await(t, 300)
		s.Crash(t)
		s.Start(t)
	}
	w.await(t, 100)
	w.stop()
	w.verify(t, st)
}

func TestSES16_SilentServerIsAnErrorInTime(t *testing.T) {
	const timeout = 400 * time.Millisecond
	for name, fault := range map[string]struct {
		begin, end func(*servers.Server, testing.TB)
	}{
		"stopped": {(*servers.Server).Stop, (*servers.Server).Start},
		"crashed": {(*servers.Server).Crash, (*servers.Server).Start},
		"hanging": {(*servers.Server).Pause, (*servers.Server).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servers.Start(t, servers.Options{Durable: true})
			st := openWith(t, s.URL(), redis.Options{Timeout: timeout})
			k, second := key(), key()
			v := create(t, st, k, record("kept", second))
			fault.begin(s, t)
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					began := time.Now()
					for method, err := range callAll(t.Context(), st, k, second, v) {
						if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("%s: error %v, want one that says that the server is silent", method, err)
						}
					}
					if took := time.Since(began); took > 6*2*timeout+time.Second {
						t.Errorf("six calls took %v", took)
					}
				})
			}
			wg.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(timeout/10, cancel)
			if _, _, _, err := st.Get(ctx, things, k); err == nil {
				t.Error("Get with a context that ends: no error")
			}
			fault.end(s, t)
			eventually(t, "answered", func() bool {
				_, _, _, err := st.Get(t.Context(), things, key())
				return err == nil
			})
			// A hanging server may have done what nobody waited for.
			if name != "hanging" {
				wantValue(t, st, k, "kept")
			}
			create(t, st, key(), record("new"))
		})
	}
}

func TestServerThatForgetsGivesNoOldVersion(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	st := open(t, s.URL())
	k := key()
	old := create(t, st, k, record("old"))
	s.Crash(t)
	s.Start(t)
	eventually(t, "created", func() bool {
		_, err := st.Create(t.Context(), things, k, record("new"))
		return err == nil
	})
	_, err := st.Replace(t.Context(), things, k, old, record("late"))
	wantErr(t, err, store.ErrConflict)
	wantValue(t, st, k, "new")
}

func TestFullServer(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	st := open(t, s.URL())
	k := key()
	v := create(t, st, k, record("v"))
	s.CLI(t, "CONFIG", "SET", "maxmemory", "1")
	_, err := st.Create(t.Context(), things, key(), record("w"))
	wantErr(t, err, store.ErrFull)
	_, err = st.Create(t.Context(), things, key(), record("w", key()))
	wantErr(t, err, store.ErrFull)
	_, err = st.Replace(t.Context(), things, k, v, record("w"))
	wantErr(t, err, store.ErrFull)
	wantValue(t, st, k, "v")
	if err := st.Delete(t.Context(), things, key()); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	if err := st.Delete(t.Context(), things, k); err != nil {
		t.Errorf("Delete: %v", err)
	}
	wantAbsent(t, st, k)
}
