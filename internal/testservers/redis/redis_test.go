package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers/redis"
)

func TestServer(t *testing.T) {
	for name, o := range map[string]redis.Options{
		"plain":         {Durable: true},
		"with password": {Durable: true, Password: "p"},
		"with TLS":      {Durable: true, TLS: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := redis.Start(t, o)
			s.CLI(t, "SET", "k", "v")
			for what, end := range map[string]func(testing.TB){"stopped": s.Stop, "crashed": s.Crash} {
				end(t)
				s.Start(t)
				if got := s.CLI(t, "GET", "k"); got != "v" {
					t.Errorf("after it was %s and started the value is %q, want v", what, got)
				}
			}
		})
	}
}

func TestSentinelPromotesAReplica(t *testing.T) {
	s := redis.StartSentinel(t, redis.SentinelOptions{Replicas: 2, DownAfter: time.Second})
	s.Primary().CLI(t, "SET", "k", "v")
	s.Primary().CLI(t, "WAIT", "2", "0")
	old := s.CrashPrimary(t)
	if got := s.AwaitPromotion(t, old).CLI(t, "GET", "k"); got != "v" {
		t.Errorf("the promoted server has %q, want v", got)
	}
}

func TestClusterPromotesAReplica(t *testing.T) {
	c := redis.StartCluster(t, redis.ClusterOptions{Replicas: 1, NodeTimeout: time.Second})
	promoted := c.Failover(t, 0)
	if nodes := promoted.CLI(t, "CLUSTER", "NODES"); !strings.Contains(nodes, "myself,master") {
		t.Errorf("the promoted node says\n%s", nodes)
	}
}
