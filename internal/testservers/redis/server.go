package redis

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers"
)

// patience is how long anything may take on a busy machine.
const patience = time.Minute

// Server is a server on a port of 127.0.0.1, which it keeps when it is stopped
// and started. Methods that stop or start it must not be called at the same
// time.
type Server struct {
	dir       string
	port      int
	password  string
	authority *authority // nil without TLS
	arguments func() []string

	process testservers.Process
}

func newServer(t testing.TB, password string) *Server {
	t.Helper()
	require(t)
	s := &Server{dir: folder(t), password: password}
	s.process.Log = filepath.Join(s.dir, "log")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("redis-server on port %d said at last:\n%s", s.port, s.process.Tail())
		}
		s.process.End(syscall.SIGKILL) // its files go with it
	})
	return s
}

// folder is in memory where that can be had. Sentinels and nodes of a cluster
// stand still while they sync a file, and on a busy disk that is long enough
// for the others to give them up.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "wayleave-redis-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// startFirst chooses a port and starts the server on it. Between the choice
// and the start somebody else may take the port: then it is another one.
func (s *Server) startFirst(t testing.TB) {
	t.Helper()
	for attempt := 0; ; attempt++ {
		s.port = freePort(t)
		err := s.launch()
		if err == nil {
			return
		}
		if attempt == 5 || !errors.Is(err, errEnded) {
			t.Fatal(err)
		}
	}
}

// launch starts the server and returns when it takes connections.
func (s *Server) launch() error {
	cmd := exec.Command("redis-server", s.arguments()...)
	cmd.Dir = s.dir
	endWithParent(cmd)
	if err := s.process.Launch(cmd); err != nil {
		return err
	}
	return s.await()
}

func freePort(t testing.TB) int {
	t.Helper()
	port, err := testservers.FreePort(20000)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

var errEnded = errors.New("redis-server ended at once")

// await returns when the server answers, or will not.
func (s *Server) await() error {
	for deadline := time.Now().Add(patience); ; {
		answer, err := s.cli("PING")
		if err == nil && answer == "PONG" {
			return nil
		}
		select {
		case <-s.process.Ended():
			return fmt.Errorf("%w: %s", errEnded, s.process.Tail())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("redis-server is not ready after %v: %q (%v): %s", patience, answer, err, s.process.Tail())
		}
	}
}

// CLI sends one command to the server and returns its answer in redis-cli's
// plain form.
func (s *Server) CLI(t testing.TB, args ...string) string {
	t.Helper()
	answer, err := s.cli(args...)
	if err != nil {
		t.Fatalf("redis-cli %s on port %d: %v: %s", strings.Join(args, " "), s.port, err, answer)
	}
	return answer
}

func (s *Server) cli(args ...string) (string, error) {
	own := []string{"-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-e"}
	if s.authority != nil {
		own = append(own, "--tls", "--cacert", filepath.Join(s.dir, "ca.pem"))
	}
	cmd := exec.Command("redis-cli", append(own, args...)...)
	if s.password != "" {
		cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+s.password) // the command line is for all to see
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Stop ends the server in good order.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.process.End(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// Crash ends the server in the middle of whatever it does.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	if err := s.process.End(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// Start starts a stopped server again and returns when it takes connections.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.launch(); err != nil {
		t.Fatal(err)
	}
}

// Pause keeps the server from doing anything, while connections to it stand
// and can even be made.
func (s *Server) Pause(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, what syscall.Signal) {
	t.Helper()
	if err := s.process.Signal(what); err != nil {
		t.Fatal(err)
	}
}

// info returns one line of the server's INFO.
func (s *Server) info(section, name string) string {
	text, _ := s.cli("INFO", section)
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// until waits for a condition that comes true by itself. Most ask redis-cli,
// whose start costs more than the answer.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(40 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not %s", patience, what)
		}
	}
}
