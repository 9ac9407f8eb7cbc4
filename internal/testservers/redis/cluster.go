package redis

import (
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ClusterOptions say what a cluster of three primaries consists of.
type ClusterOptions struct {
	// Server is how all of them are. TLS and passwords are not supported.
	Server Options
	// Replicas of each primary.
	Replicas int
	// NodeTimeout is for how long a primary must be silent for its replica to
	// be promoted. Zero: a minute, so that a busy machine promotes nobody.
	NodeTimeout time.Duration
}

// Cluster is three primaries, which share the slots, and their replicas.
type Cluster struct {
	Primaries []*Server // as it was in the beginning
	Replicas  []*Server // the first three are replicas of the three primaries, and so on
}

// StartCluster returns when all slots are served and the replicas are up to
// date, and, with a NodeTimeout, when a replica could be promoted.
func StartCluster(t testing.TB, o ClusterOptions) *Cluster {
	t.Helper()
	const primaries, slots = 3, 16384
	c := &Cluster{}
	for range primaries {
		c.Primaries = append(c.Primaries, startNode(t, o))
	}
	for range primaries * o.Replicas {
		c.Replicas = append(c.Replicas, startNode(t, o))
	}
	for i, p := range c.Primaries {
		p.CLI(t, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/primaries), strconv.Itoa((i+1)*slots/primaries-1))
		p.CLI(t, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	first := c.Primaries[0]
	for _, n := range c.all()[1:] {
		n.CLI(t, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(first.port), busPort(t, first))
	}
	c.await(t)
	for i, r := range c.Replicas {
		r.CLI(t, "CLUSTER", "REPLICATE", c.Primaries[i%primaries].CLI(t, "CLUSTER", "MYID"))
	}
	for _, p := range c.Primaries {
		until(t, "replicated", func() bool { return p.replicas() == o.Replicas })
	}
	if o.NodeTimeout == 0 {
		return c // and the news who is whose replica spreads slowly
	}
	for _, n := range c.all() {
		until(t, "known as replicas", func() bool {
			nodes, _ := n.cli("CLUSTER", "NODES")
			return strings.Count(nodes, "slave") == len(c.Replicas)
		})
	}
	return c
}

func startNode(t testing.TB, o ClusterOptions) *Server {
	t.Helper()
	timeout := o.NodeTimeout
	if timeout == 0 {
		timeout = time.Minute
	}
	settings := maps.Clone(o.Server.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	settings["cluster-enabled"] = "yes"
	settings["cluster-port"] = strconv.Itoa(freePort(t))
	settings["cluster-node-timeout"] = strconv.FormatInt(timeout.Milliseconds(), 10)
	o.Server.Settings = settings
	return Start(t, o.Server)
}

func busPort(t testing.TB, s *Server) string {
	t.Helper()
	_, port, _ := strings.Cut(s.CLI(t, "CONFIG", "GET", "cluster-port"), "\n")
	return strings.TrimSpace(port)
}

func (c *Cluster) all() []*Server {
	return append(c.Primaries[:len(c.Primaries):len(c.Primaries)], c.Replicas...)
}

// await returns when all nodes know all others and serve all slots.
func (c *Cluster) await(t testing.TB) {
	t.Helper()
	for _, n := range c.all() {
		until(t, "a cluster", func() bool {
			info, _ := n.cli("CLUSTER", "INFO")
			return strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(len(c.all()))+"\r")
		})
	}
}

// URL is what a program is told to find the cluster.
func (c *Cluster) URL() string { return "redis+cluster://" + addresses(c.Primaries) }

// Failover promotes the first replica of the i-th primary in good order and
// returns when it serves.
func (c *Cluster) Failover(t testing.TB, i int) (promoted *Server) {
	t.Helper()
	promoted = c.Replicas[i]
	promoted.CLI(t, "CLUSTER", "FAILOVER")
	until(t, "promoted", func() bool { return promoted.info("replication", "role") == "master" })
	return promoted
}
