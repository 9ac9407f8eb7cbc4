package redis_test

import (
	"strings"
	"testing"
	"time"

	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

// fill writes enough records for several pages on each server.
func fill(t *testing.T, s *redis.Store) (first string) {
	t.Helper()
	for range 1000 {
		create(t, s, key(), record("v"))
	}
	_, next, err := s.Scan(t.Context(), things, "", 1)
	if err != nil || next == "" {
		t.Fatalf("Scan: next %q, error %v", next, err)
	}
	return next
}

func wantScanBroken(t *testing.T, s *redis.Store, cursor, want string) {
	t.Helper()
	keys, next, err := s.Scan(t.Context(), things, cursor, 1)
	if err == nil || !strings.Contains(err.Error(), want) || keys != nil || next != "" {
		t.Errorf("Scan: %d keys, next %q, error %v, want %q", len(keys), next, err, want)
	}
	if keys, _, err := s.Scan(t.Context(), things, "", 1000); err != nil || len(keys) == 0 {
		t.Errorf("Scan from the beginning: %d keys, error %v", len(keys), err)
	}
}

// A server's cursor means another place after it was started again.
func TestScanEndsWithARestart(t *testing.T) {
	s := servers.Start(t, servers.Options{Durable: true})
	st := open(t, s.URL())
	cursor := fill(t, st)
	s.Stop(t)
	s.Start(t)
	wantScanBroken(t, st, cursor, "begin it again")
}

func TestScanEndsWithAPromotion(t *testing.T) {
	t.Parallel()
	c := servers.StartCluster(t, servers.ClusterOptions{Replicas: 1, NodeTimeout: time.Second})
	st := open(t, c.URL())
	cursor := fill(t, st)
	c.Failover(t, 0)
	c.Failover(t, 1)
	c.Failover(t, 2)
	awaitWrites(t, st)
	eventually(t, "whole", func() bool {
		_, _, err := st.Scan(t.Context(), things, "", 1)
		return err == nil
	})
	wantScanBroken(t, st, cursor, "begin it again")
}

func TestScanDoesNotGoThroughAMove(t *testing.T) {
	t.Parallel()
	c := servers.StartCluster(t, servers.ClusterOptions{})
	st := open(t, c.URL()+"?replicas=0")
	fill(t, st)
	from, to := c.Primaries[0], c.Primaries[1]
	from.CLI(t, "CLUSTER", "SETSLOT", "7", "MIGRATING", to.CLI(t, "CLUSTER", "MYID"))
	var err error
	for cursor := ""; err == nil; {
		if _, cursor, err = st.Scan(t.Context(), things, cursor, 1000); cursor == "" && err == nil {
			t.Fatal("the scan has come to its end")
		}
	}
	if !strings.Contains(err.Error(), "moving keys") {
		t.Errorf("Scan: %v", err)
	}
	from.CLI(t, "CLUSTER", "SETSLOT", "7", "STABLE")
	if _, _, err := st.Scan(t.Context(), things, "", 1); err != nil {
		t.Errorf("Scan after the move: %v", err)
	}
}

func TestScanRefusesWhatIsNoTable(t *testing.T) {
	st := open(t, servers.Start(t, servers.Options{}).URL())
	for _, table := range []store.Table{"", "*", "things*", "a:b"} {
		if _, _, err := st.Scan(t.Context(), table, "", 1); err == nil {
			t.Errorf("table %q is scanned", table)
		}
	}
}

func TestKind(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	st, err := store.Open(t.Context(), s.URL(), redis.Kind())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, ok := st.(store.Follower); !ok {
		t.Errorf("%T is no store.Follower", st)
	}
	for _, scheme := range []string{"redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"} {
		st, err := store.Open(t.Context(), scheme+"://host:no-port", redis.Kind())
		if err == nil || !strings.Contains(err.Error(), "redis URL: host 1") || st != nil {
			t.Errorf("%s: store %v, error %v", scheme, st, err)
		}
	}
	if _, err := store.Open(t.Context(), "rediz://", redis.Kind()); err == nil || !strings.Contains(err.Error(), "this program knows") {
		t.Errorf("another scheme: %v", err)
	}
}
