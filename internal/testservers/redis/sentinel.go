package redis

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// MasterName is what sentinels call the primary.
const MasterName = "main"

// SentinelOptions say what stands under Sentinel.
type SentinelOptions struct {
	// Server is how the primary and its replicas are. TLS is not supported.
	Server Options
	// Replicas of the primary. Zero: 1.
	Replicas int
	// DownAfter is for how long the primary must be silent for a replica to
	// be promoted. Zero: a minute, so that a busy machine promotes nobody.
	DownAfter time.Duration
}

// Sentinel is a primary, its replicas, and three sentinels.
type Sentinel struct {
	Servers   []*Server // the first one is the primary in the beginning
	Sentinels []*Server
}

// StartSentinel returns when all know each other and the replicas are up to
// date.
func StartSentinel(t testing.TB, o SentinelOptions) *Sentinel {
	t.Helper()
	if o.DownAfter == 0 {
		o.DownAfter = time.Minute
	}
	s := &Sentinel{Servers: []*Server{Start(t, o.Server)}}
	for range max(o.Replicas, 1) {
		s.Servers = append(s.Servers, startReplica(t, o.Server, s.Servers[0]))
	}
	until(t, "replicated", func() bool { return s.Servers[0].replicas() == len(s.Servers)-1 })
	for range 3 {
		s.Sentinels = append(s.Sentinels, startSentinel(t, s.Servers[0], o.DownAfter))
	}
	for _, sentinel := range s.Sentinels {
		until(t, "watched by three sentinels", func() bool {
			about, _ := sentinel.cli("SENTINEL", "MASTER", MasterName)
			facts := strings.Join(strings.Fields(about), " ") + " "
			return strings.Contains(facts, fmt.Sprintf("num-slaves %d ", len(s.Servers)-1)) &&
				strings.Contains(facts, "num-other-sentinels 2 ")
		})
	}
	return s
}

func startReplica(t testing.TB, o Options, of *Server) *Server {
	t.Helper()
	o.Settings = maps.Clone(o.Settings)
	if o.Settings == nil {
		o.Settings = map[string]string{}
	}
	o.Settings["replicaof"] = "127.0.0.1 " + strconv.Itoa(of.port)
	r := Start(t, o)
	until(t, "replicating", func() bool { return r.info("replication", "master_link_status") == "up" })
	return r
}

func startSentinel(t testing.TB, primary *Server, downAfter time.Duration) *Server {
	t.Helper()
	s := newServer(t, "")
	config := filepath.Join(s.dir, "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]d 2\nsentinel down-after-milliseconds %[1]s %[3]d\n"+
		"sentinel failover-timeout %[1]s 5000\n", MasterName, primary.port, downAfter.Milliseconds())
	if primary.password != "" {
		text += fmt.Sprintf("sentinel auth-pass %s %s\n", MasterName, primary.password)
	}
	// Sentinels rewrite the file, and read it again when they are started again.
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.arguments = func() []string {
		return []string{config, "--sentinel", "--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--dir", s.dir}
	}
	s.startFirst(t)
	// How long a sentinel sits still after it has noticed that the machine kept
	// it from running. By default that is half a minute.
	s.CLI(t, "SENTINEL", "DEBUG", "TILT-PERIOD", "1000")
	return s
}

// URL is what a program is told to find the primary.
func (s *Sentinel) URL() string {
	user := ""
	if s.Servers[0].password != "" {
		user = ":" + s.Servers[0].password + "@"
	}
	return "redis+sentinel://" + user + addresses(s.Sentinels) + "/" + MasterName + "/0"
}

// Primary returns the server that the sentinels now name, or nil.
func (s *Sentinel) Primary() *Server {
	for _, sentinel := range s.Sentinels {
		answer, err := sentinel.cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName)
		if err != nil {
			continue
		}
		for _, server := range s.Servers {
			if strings.HasSuffix(answer, strconv.Itoa(server.port)) {
				return server
			}
		}
	}
	return nil
}

// CrashPrimary ends the primary and returns it. The sentinels will promote
// another one: [Sentinel.AwaitPromotion].
func (s *Sentinel) CrashPrimary(t testing.TB) *Server {
	t.Helper()
	primary := s.Primary()
	primary.Crash(t)
	return primary
}

// AwaitPromotion returns the new primary when it works with another replica.
func (s *Sentinel) AwaitPromotion(t testing.TB, old *Server) (primary *Server) {
	t.Helper()
	until(t, "promoted", func() bool {
		primary = s.Primary()
		return primary != nil && primary != old && primary.process.Running() &&
			primary.info("replication", "role") == "master" && primary.replicas() > 0
	})
	return primary
}

// replicas is the number of those that are up to date.
func (s *Server) replicas() int {
	text, _ := s.cli("INFO", "replication")
	return strings.Count(text, "state=online")
}

func addresses(servers []*Server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.Address())
	}
	return strings.Join(all, ",")
}
