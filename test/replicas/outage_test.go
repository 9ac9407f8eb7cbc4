package replicas_test

import (
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers/postgres"
	"github.com/wayleave/wayleave/internal/testservers/redis"
)

// soonDue is a token's lifetime in seconds that makes it due after two: while
// a server is away, some grants are being refreshed, and the provider forgives
// no refresh token that is used twice.
const soonDue = 12

const regulars = 20

// TestA169_PostgreSQLRestarts under people who are signed in.
func TestA169_PostgreSQLRestarts(t *testing.T) {
	t.Parallel()
	s := postgres.Start(t, postgres.Options{Durable: true})
	for range long(1, 10) {
		f := newFleet(newIDP(t, people(regulars+2)), newDatabase(t, s.Database(t), s.Address(), 2))
		f.idp.claim(soonDue)
		all := f.start(t, 2)
		l := newLoad(t, f, regulars, anyOf(all))
		defer l.stop() // before the replicas
		l.await()
		s.Restart(t) // fast: connections are ended, and the server in good order
		l.await()
		s.Crash(t) // immediate: it recovers when it starts
		l.awaitGap()
		s.Start(t)
		l.await()
		l.settle(t, all)
		f.idp.wantUsedOnce(t)
		for _, r := range all {
			r.stop()
		}
	}
}

// TestA169_RedisPromotesAReplica after its primary was killed. What was
// acknowledged had been confirmed by a replica: only that is counted.
func TestA169_RedisPromotesAReplica(t *testing.T) {
	t.Parallel()
	for range long(1, 10) {
		s := redis.StartSentinel(t, redis.SentinelOptions{Replicas: 2, DownAfter: time.Second})
		f := newFleet(newIDP(t, people(regulars+2)), newDatabase(t, s.URL(), "", 2))
		f.idp.claim(soonDue)
		all := f.start(t, 2)
		l := newLoad(t, f, regulars, anyOf(all))
		defer l.stop() // before the replicas
		l.await()
		old := s.CrashPrimary(t)
		l.awaitGap()
		s.AwaitPromotion(t, old)
		l.await()
		l.settle(t, all)
		f.idp.wantUsedOnce(t)
		for _, r := range all {
			r.stop()
		}
	}
}
