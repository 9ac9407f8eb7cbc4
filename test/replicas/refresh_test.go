package replicas_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

// The provider ends a grant when a refresh token is used twice. So each may
// reach it once, from all replicas together, whatever happens to those who ask.
//
// There is a kill that no relying party survives: the provider has rotated, and
// the one process that was told is gone before it could write. The new refresh
// token is then known to nobody, and the old one is spent; only a provider that
// takes the old one again for a moment can help. So replicas are killed here
// while no request is under way, and while the provider holds some that it has
// not acted upon, and sees then that nobody waits for them any more.
func TestREF03_A180_OneRotationPerGeneration(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db database) {
		t.Parallel()
		for _, n := range long([]int{db.replicas}, []int{2, 3}) {
			t.Run(fmt.Sprintf("A180 %d replicas", n), func(t *testing.T) {
				for range long(1, 5) {
					s := newStorms(t, db, n)
					s.hangUps(t)
					s.kill(t)
					if long(false, true) {
						s.stall(t)
					}
					s.idp.wantAlive(t)
					for _, r := range s.replicas {
						r.stop()
					}
				}
			})
		}
	})
}

const grants = 100

// storms is people whose access tokens are due at the same moment, and who all
// want something from all replicas then.
type storms struct {
	f        *fleet
	idp      *idp
	replicas []*replica
	all      []*browser
}

func newStorms(t *testing.T, db database, n int) *storms {
	p := newIDP(t, people(grants))
	f := newFleet(p, db)
	s := &storms{f: f, idp: p, replicas: f.start(t, n)}
	s.signIn(t)
	return s
}

// signIn gives everybody a new session, with a grant that is due at once.
func (s *storms) signIn(t *testing.T) {
	s.idp.claim(dueAtOnce)
	var err error
	if s.all, err = s.f.crowd(t.Context(), grants, s.replicas); err != nil {
		t.Fatal(err)
	}
}

// burst asks all replicas for all people's data at once, while others ask and
// hang up. All must be served but those that hang up, and those of a
// replica that dies. It returns at once; wait waits for the answers.
func (s *storms) burst(t *testing.T, dies *replica) (wait func()) {
	var wg sync.WaitGroup
	for _, b := range s.all {
		for _, r := range s.replicas {
			wg.Go(func() {
				got, err := b.open(context.Background(), r, "/api")
				if r != dies && (err != nil || got.StatusCode != http.StatusOK) {
					t.Errorf("%s: %v, error %v", b.person, got, err)
				}
			})
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), rand.N(40*time.Millisecond))
				defer cancel()
				_, _ = b.open(ctx, r, "/api")
			})
		}
	}
	return wg.Wait
}

// rotated says how many refresh tokens are used while something is done.
func (s *storms) rotated(t *testing.T, what string, want int, do func()) {
	t.Helper()
	before, began := s.idp.rotations(), time.Now()
	do()
	n := s.idp.rotations() - before
	t.Logf("%s: %d rotations in %v", what, n, time.Since(began).Round(time.Millisecond))
	if n != want {
		t.Errorf("%s: %d rotations, want %d", what, n, want)
	}
	s.idp.wantUsedOnce(t)
}

func (s *storms) hangUps(t *testing.T) {
	s.idp.claim(notDue)
	s.rotated(t, "hang-ups", grants, func() { s.burst(t, nil)() })
}

// outlasting is longer than a lease lives that nobody renews. As there are more
// people than one replica asks for at the same time, some wait for others then.
const outlasting = 7 * time.Second

// kill: a replica dies with requests at the provider, and leases in its hands.
// The provider answers the others only when these have run out.
func (s *storms) kill(t *testing.T) {
	s.signIn(t)
	s.idp.claim(notDue)
	victim := s.replicas[len(s.replicas)-1]
	s.rotated(t, "killed while it waits for the provider", grants, func() {
		s.idp.close()
		wait := s.burst(t, victim)
		until(t, "asked", func() bool { waiting, _ := s.idp.atGate(); return waiting >= 40 })
		victim.kill()
		time.Sleep(outlasting)
		s.idp.open()
		wait()
	})
	if _, gone := s.idp.atGate(); gone == 0 {
		t.Error("the replica that was killed had asked nothing")
	}
	s.replicas[0].kill() // nothing is under way now
	s.replicas = append(s.replicas[1:len(s.replicas)-1], s.f.start(t, 2)...)
	s.rotated(t, "new processes", 0, func() { s.burst(t, nil)() })
}

// stall: the provider answers nobody for as long, and no replica dies.
func (s *storms) stall(t *testing.T) {
	s.signIn(t)
	s.idp.claim(notDue)
	s.rotated(t, "a provider that stalls", grants, func() {
		s.idp.close()
		wait := s.burst(t, nil)
		time.Sleep(outlasting)
		s.idp.open()
		wait()
	})
}
