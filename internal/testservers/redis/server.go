package redis

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
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

	process *os.Process
	ended   chan struct{} // closed when process has ended
}

func newServer(t testing.TB, password string) *Server {
	t.Helper()
	require(t)
	s := &Server{dir: folder(t), password: password}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("redis-server on port %d said at last:\n%s", s.port, s.tail())
		}
		s.end(syscall.SIGKILL) // its files go with it
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

// freePort is below the ports that systems choose themselves, so that it is
// still free when a stopped server starts again.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(10000)
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("no port between 20000 and 30000 is free")
	return 0
}

// launch starts the server and returns when it takes connections.
func (s *Server) launch() error {
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("redis-server", s.arguments()...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	endWithParent(cmd)

	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		// The server gets a signal when the thread that started it ends, so
		// that it does not survive a test binary that was killed. The thread
		// is kept for that.
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.process, s.ended = cmd.Process, ended
	return s.await()
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
		case <-s.ended:
			return fmt.Errorf("%w: %s", errEnded, s.tail())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("redis-server is not ready after %v: %q (%v): %s", patience, answer, err, s.tail())
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
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// Crash ends the server in the middle of whatever it does.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	if err := s.end(syscall.SIGKILL); err != nil {
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

func (s *Server) end(how syscall.Signal) error {
	if !s.running() {
		return nil
	}
	s.process.Signal(how)
	select {
	case <-s.ended:
		return nil
	case <-time.After(patience):
		s.process.Kill()
		<-s.ended
		return fmt.Errorf("redis-server did not end within %v of signal %v", patience, how)
	}
}

func (s *Server) running() bool {
	if s.process == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
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

func (s *Server) log() string { return filepath.Join(s.dir, "log") }

// tail returns the end of the server's log.
func (s *Server) tail() []byte {
	text, _ := os.ReadFile(s.log())
	lines := bytes.SplitAfter(text, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-30):], nil)
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
