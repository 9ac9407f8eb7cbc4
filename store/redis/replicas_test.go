package redis_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers"
	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

func TestWritesWithoutAReplicaAreErrors(t *testing.T) {
	t.Parallel()
	s := servers.StartSentinel(t, servers.SentinelOptions{})
	st := openWith(t, s.URL(), redis.Options{Timeout: time.Second})
	free := openWith(t, s.URL()+"?replicas=0", redis.Options{})
	k, second := key(), key()
	v := create(t, st, k, record("before", second))
	s.Servers[1].Pause(t)
	for method, err := range callAll(t.Context(), st, k, second, v) {
		switch method {
		case "Get", "Lookup":
			if err != nil {
				t.Errorf("%s: %v", method, err)
			}
		default: // Create too, since the entry of its look-up key comes first
			if !errors.Is(err, redis.ErrUnconfirmed) {
				t.Errorf("%s: %v, want %v", method, err, redis.ErrUnconfirmed)
			}
		}
	}
	_, err := st.Create(t.Context(), things, key(), record("v"))
	wantErr(t, err, redis.ErrUnconfirmed)
	wantErr(t, st.Delete(t.Context(), things, k), redis.ErrUnconfirmed) // though it is gone
	wantAbsent(t, free, k)
	create(t, free, key(), record("v"))
	s.Servers[1].Resume(t)
	create(t, st, k, record("after"))
}

func TestPromotionKeepsAcknowledgedWrites(t *testing.T) {
	t.Parallel()
	s := servers.StartSentinel(t, servers.SentinelOptions{Replicas: 2, DownAfter: time.Second})
	st := open(t, s.URL())
	follower := testservers.Watch(t, open(t, s.URL()))
	missed := follower.Missed()
	w := startWorkers(t, st, 8)
	w.await(t, 300)
	began := time.Now()
	old := s.CrashPrimary(t)
	s.AwaitPromotion(t, old)
	w.await(t, 300)
	t.Logf("300 writes more were acknowledged %v after the crash", w.gap(began))
	w.stop()
	if w.failures() == 0 {
		t.Error("no call failed while there was no primary")
	}
	w.verify(t, st)
	wantFollowed(t, follower, missed, st)
}

func TestClusterFailoverKeepsAcknowledgedWrites(t *testing.T) {
	t.Parallel()
	c := servers.StartCluster(t, servers.ClusterOptions{Replicas: 1, NodeTimeout: 2 * time.Second})
	st := open(t, c.URL())
	follower := testservers.Watch(t, open(t, c.URL()))
	missed := follower.Missed()
	w := startWorkers(t, st, 8)
	w.await(t, 300)
	t.Log("a planned one: the old primary becomes a replica")
	c.Failover(t, 0)
	w.await(t, 300)
	eventually(t, "noticed", func() bool { return follower.Missed() > missed })
	follower.AwaitCurrent(t)
	missed = follower.Missed()
	t.Log("a crash: its replica is promoted, and it comes back as one")
	began := time.Now()
	c.Primaries[1].Crash(t)
	eventually(t, "promoted", func() bool {
		return strings.Contains(c.Replicas[1].CLI(t, "INFO", "replication"), "role:master")
	})
	c.Primaries[1].Start(t)
	w.await(t, 300)
	t.Logf("300 writes more were acknowledged %v after the crash", w.gap(began))
	w.stop()
	w.verify(t, st)
	wantFollowed(t, follower, missed, st)
}

// While a slot moves, a node sends writes of keys that it has not, or no
// longer has, to the other one.
func TestWritesDuringAMoveOfSlots(t *testing.T) {
	t.Parallel()
	c := servers.StartCluster(t, servers.ClusterOptions{Replicas: 1})
	st := open(t, c.URL()+"?prefix=p")
	k, second := key(), key()
	from, to := c.Primaries[0], c.Primaries[1]
	slot := func(k store.Key) int {
		n, err := strconv.Atoi(from.CLI(t, "CLUSTER", "KEYSLOT", "p:things:"+hexOf(k)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for slot(k) >= 16384/3 {
		k = key()
	}
	n := strconv.Itoa(slot(k))
	move := func(k store.Key) {
		t.Helper()
		name := "p:things:" + hexOf(k)
		_, port, _ := strings.Cut(to.Address(), ":")
		if got := from.CLI(t, "MIGRATE", "127.0.0.1", port, name, "0", "5000"); got != "OK" {
			t.Fatalf("MIGRATE: %s", got)
		}
	}
	to.CLI(t, "CLUSTER", "SETSLOT", n, "IMPORTING", from.CLI(t, "CLUSTER", "MYID"))
	from.CLI(t, "CLUSTER", "SETSLOT", n, "MIGRATING", to.CLI(t, "CLUSTER", "MYID"))

	v := create(t, st, k, record("one", second)) // goes to the new place at once
	wantValue(t, st, k, "one")
	v, err := st.Replace(t.Context(), things, k, v, record("two", second))
	if err != nil {
		t.Fatal(err)
	}
	if got := to.CLI(t, "CLUSTER", "COUNTKEYSINSLOT", n); got != "1" {
		t.Errorf("the new place has %s keys, want 1", got)
	}
	wantLookup(t, st, second, k)
	for _, node := range []*servers.Server{to, from, c.Primaries[2]} {
		node.CLI(t, "CLUSTER", "SETSLOT", n, "NODE", to.CLI(t, "CLUSTER", "MYID"))
	}
	wantValue(t, st, k, "two")
	if _, err = st.Replace(t.Context(), things, k, v, record("three")); err != nil {
		t.Error(err)
	}
	if rec, found, err := st.Take(t.Context(), things, k); err != nil || !found || string(rec.Value) != "three" {
		t.Errorf("Take: value %q, found %t, error %v, want three", rec.Value, found, err)
	}

	t.Log("and a record that was there before")
	for slot(k) < 16384/3 || slot(k) >= 2*16384/3 {
		k = key()
	}
	from, to = to, c.Primaries[2]
	n = strconv.Itoa(slot(k))
	v = create(t, st, k, record("one"))
	to.CLI(t, "CLUSTER", "SETSLOT", n, "IMPORTING", from.CLI(t, "CLUSTER", "MYID"))
	from.CLI(t, "CLUSTER", "SETSLOT", n, "MIGRATING", to.CLI(t, "CLUSTER", "MYID"))
	move(k)
	if _, err = st.Replace(t.Context(), things, k, v, record("two")); err != nil {
		t.Error(err)
	}
	wantValue(t, st, k, "two")
	if err := st.Delete(t.Context(), things, k); err != nil {
		t.Error(err)
	}
	wantAbsent(t, st, k)
}
