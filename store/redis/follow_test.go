package redis_test

import (
	"testing"

	"github.com/wayleave/wayleave/internal/testservers"
	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
)

func TestFollow(t *testing.T) {
	t.Parallel()
	s := servers.Start(t, servers.Options{Durable: true})
	testservers.Follow(t, s, func(t testing.TB) store.Follower { return open(t, s.URL()) })
}

func TestFollowEnds(t *testing.T) {
	testservers.FollowEnds(t, open(t, servers.Start(t, servers.Options{}).URL()))
}

// A primary whose place another one has taken is the last to know, and goes on
// answering as one until a sentinel tells it.
func TestFollowLeavesAPrimaryThatWasDemoted(t *testing.T) {
	t.Parallel()
	s := servers.StartSentinel(t, servers.SentinelOptions{Replicas: 2})
	a, b := open(t, s.URL()), open(t, s.URL())
	w := testservers.Watch(t, b)
	missed, old := w.Missed(), s.Primary()
	s.Sentinels[0].CLI(t, "SENTINEL", "FAILOVER", servers.MasterName)
	s.AwaitPromotion(t, old)
	awaitWrites(t, a)
	w.AwaitCurrent(t)
	w.Ends(t, a, 8, 10)
	if w.Missed() == missed {
		t.Error("nothing is said of what happened meanwhile")
	}
}

// wantFollowed checks that a follower has noticed what happened to its servers,
// and goes on.
func wantFollowed(t *testing.T, w *testservers.Watcher, missed int, s store.Store) {
	t.Helper()
	eventually(t, "noticed", func() bool { return w.Missed() > missed })
	awaitWrites(t, s)
	w.AwaitCurrent(t)
	w.Ends(t, s, 8, 10)
}

// awaitWrites returns when the store can write everywhere again.
func awaitWrites(t *testing.T, s store.Store) {
	t.Helper()
	for range 30 { // which meet all nodes of a cluster
		eventually(t, "written", func() bool {
			_, err := s.Create(t.Context(), things, key(), record("v"))
			return err == nil
		})
	}
}
