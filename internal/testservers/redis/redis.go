// Package redis starts private Redis servers for tests, on free ports of
// 127.0.0.1 and in folders of their own: alone with [Start], under Sentinel
// with [StartSentinel], as a cluster with [StartCluster]. They end with the
// test.
//
// It needs redis-server and redis-cli (Debian: redis-server). Without them a
// test skips with one clear line, or fails when WAYLEAVE_TEST_FULL=1.
package redis

import (
	"crypto/x509"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// Options of a server. The zero value is the fastest one.
type Options struct {
	// Durable makes the server write down what it acknowledges, and read it
	// when it starts again, also after a crash of its own, though not of the
	// machine. Without it every start is empty.
	Durable bool
	// Password of the default user. Empty: none is asked for.
	Password string
	// TLS alone is spoken, with a certificate for 127.0.0.1 and localhost
	// from an authority of the server's own.
	TLS bool
	// Settings by name, as in redis.conf.
	Settings map[string]string
}

// Start returns a server that takes connections.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := newServer(t, o.Password)
	if o.TLS {
		s.authority = newAuthority(t, s.dir)
	}
	s.arguments = func() []string { return o.arguments(s) }
	s.startFirst(t)
	return s
}

func (o Options) arguments(s *Server) []string {
	settings := map[string]string{
		"bind":                     "127.0.0.1",
		"port":                     strconv.Itoa(s.port),
		"dir":                      s.dir,
		"save":                     "",
		"repl-diskless-sync-delay": "0",
	}
	if o.Durable {
		settings["appendonly"], settings["appendfsync"] = "yes", "always"
	}
	if o.Password != "" {
		settings["requirepass"], settings["masterauth"] = o.Password, o.Password
	}
	if s.authority != nil {
		maps.Copy(settings, map[string]string{
			"port": "0", "tls-port": strconv.Itoa(s.port), "tls-auth-clients": "no",
			"tls-ca-cert-file": filepath.Join(s.dir, "ca.pem"),
			"tls-cert-file":    filepath.Join(s.dir, "server.pem"),
			"tls-key-file":     filepath.Join(s.dir, "server.key"),
		})
	}
	maps.Copy(settings, o.Settings)
	var args []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "--"+name, settings[name])
	}
	return args
}

// Address is the server's host:port. It keeps it for good.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL is what a program is told to find the server.
func (s *Server) URL() string {
	scheme, user := "redis://", ""
	if s.authority != nil {
		scheme = "rediss://"
	}
	if s.password != "" {
		user = ":" + s.password + "@"
	}
	return scheme + user + s.Address() + "/0"
}

// RootCAs verify a server that speaks TLS.
func (s *Server) RootCAs() *x509.CertPool { return s.authority.pool }

// Dir is the folder in which the server keeps its files.
func (s *Server) Dir() string { return s.dir }

// programs are what a test needs of the machine.
var programs = []string{"redis-server", "redis-cli"}

// require ends the test where there is no Redis: quietly where a machine has
// only Go, as a failure in the full run, which must not skip anything.
func require(t testing.TB) {
	t.Helper()
	for _, program := range programs {
		_, err := exec.LookPath(program)
		if err != nil && os.Getenv("WAYLEAVE_TEST_FULL") == "1" {
			t.Fatalf("this test needs %s, which is not installed", program)
		}
		if err != nil {
			t.Skipf("this test needs %s, which is not installed", program)
		}
	}
}
