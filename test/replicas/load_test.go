package replicas_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

// load is signed-in people who ask all the time, others who sign in, and others
// who sign out. Nobody who is signed in may be asked to sign in again, and none
// of their requests may end otherwise than with 200, or 503 with Retry-After.
type load struct {
	t    *testing.T
	pick func() (at *replica, done func())
	work sync.WaitGroup
	end  context.CancelFunc
	ctx  context.Context

	mu              sync.Mutex
	regular         []*browser  // signed in all the time
	served          []time.Time // when each of them was, at last
	ok, unavailable int
	first, last     time.Time  // 503
	in, out         []*browser // acknowledged logins and logouts
}

func newLoad(t *testing.T, f *fleet, regulars int, pick func() (*replica, func())) *load {
	l := &load{t: t, pick: pick, served: make([]time.Time, regulars), regular: make([]*browser, regulars)}
	l.ctx, l.end = context.WithCancel(context.Background())
	spread(regulars, 4, func(i int) {
		l.regular[i] = f.browser(subject(i))
		at, done := pick()
		defer done()
		if err := l.regular[i].signIn(l.ctx, at); err != nil {
			t.Error(err)
		}
	})
	for i := range l.regular {
		l.work.Go(func() { l.ask(i) })
	}
	for range 3 {
		l.work.Go(func() { l.come(f, regulars, false) })
		l.work.Go(func() { l.come(f, regulars+1, true) })
	}
	return l
}

// stop ends the load when what is under way has been answered.
func (l *load) stop() {
	l.end()
	l.work.Wait()
}

func (l *load) ask(i int) {
	for l.ctx.Err() == nil {
		page := []string{"/page", "/api", "/auth/session"}[rand.N(3)]
		at, done := l.pick()
		got, err := l.regular[i].open(context.Background(), at, page)
		done()
		l.mu.Lock()
		switch {
		case err == nil && got.StatusCode == http.StatusOK:
			l.served[i] = time.Now()
			l.ok++
		case err == nil && got.StatusCode == http.StatusServiceUnavailable && got.Header.Get("Retry-After") != "":
			l.last = time.Now()
			if l.unavailable++; l.first.IsZero() {
				l.first = l.last
			}
		default:
			l.t.Errorf("%s: %v, error %v", page, got, err)
		}
		l.mu.Unlock()
		time.Sleep(30 * time.Millisecond)
	}
}

// come lets one person sign in again and again, each time on a new browser, and
// with leave sign out.
func (l *load) come(f *fleet, person int, leave bool) {
	for l.ctx.Err() == nil {
		b := f.browser(subject(person))
		at, done := l.pick()
		err := b.signIn(context.Background(), at)
		kept := b.copy()
		list := &l.in
		if err == nil && leave {
			err, list = b.logout(context.Background(), at), &l.out
		}
		done()
		if err == nil {
			l.mu.Lock()
			*list = append(*list, kept)
			l.mu.Unlock()
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// await returns when all regulars have been served from now on, and somebody
// has signed in and somebody out.
func (l *load) await() {
	l.t.Helper()
	now := time.Now()
	l.mu.Lock()
	in, out := len(l.in), len(l.out)
	l.mu.Unlock()
	until(l.t, "served", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, at := range l.served {
			if !at.After(now) {
				return false
			}
		}
		return len(l.in) > in+3 && len(l.out) > out+3
	})
}

// awaitGap returns when somebody got a 503.
func (l *load) awaitGap() {
	l.t.Helper()
	until(l.t, "unavailable", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.unavailable > 0
	})
}

// settle stops the load and checks that everything acknowledged is still so.
func (l *load) settle(t *testing.T, all []*replica) {
	t.Helper()
	l.stop()
	t.Logf("%d requests served, %d got 503 within %v; %d logins and %d logouts acknowledged",
		l.ok, l.unavailable, l.last.Sub(l.first).Round(time.Millisecond), len(l.in), len(l.out))
	for _, r := range all {
		for list, want := range map[*[]*browser]int{&l.regular: http.StatusOK, &l.in: http.StatusOK, &l.out: http.StatusSeeOther} {
			for _, b := range *list {
				if got, err := b.open(t.Context(), r, "/page"); err != nil || got.StatusCode != want {
					t.Errorf("%s: %v, error %v, want %d", b.person, got, err, want)
				}
			}
		}
	}
	for _, b := range l.regular {
		if got, err := b.open(t.Context(), all[0], "/api"); err != nil || got.StatusCode != http.StatusOK {
			t.Errorf("the grant of %s: %v, error %v", b.person, got, err)
		}
	}
}

// anyOf picks replicas at random.
func anyOf(all []*replica) func() (*replica, func()) {
	return func() (*replica, func()) { return all[rand.N(len(all))], func() {} }
}
