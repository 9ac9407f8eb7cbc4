package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/wayleave/wayleave/internal/testservers"
)

const (
	superuser = "postgres"
	owner     = "wayleave" // of each database that a test gets

	// startTimeout is generous: a crashed server recovers before it is ready.
	startTimeout = time.Minute
)

// Options of a server. The zero value is the fastest one.
type Options struct {
	// Durable makes the server sync what it acknowledges to the disk. Without
	// it a [Server.Crash] may lose anything.
	Durable bool
	// Certificate and Key, both as PEM, let clients ask for TLS. Nil: no TLS.
	Certificate, Key []byte
	// Settings by name, as in postgresql.conf.
	Settings map[string]string
}

// Server is a PostgreSQL server on a port of 127.0.0.1, which it keeps when it
// is stopped and started. Methods that stop or start it must not be called at
// the same time.
type Server struct {
	programs string // folder
	dir      string // everything of this server is below it
	port     int
	password string // of both users
	options  Options

	process testservers.Process
}

func start(o Options) (*Server, error) {
	programs, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{programs: programs, password: rand.Text(), options: o}
	if s.dir, err = os.MkdirTemp("", "wayleave-postgres-"); err != nil {
		return nil, err
	}
	s.process.Log = filepath.Join(s.dir, "log")
	if err := s.create(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// create makes the cluster, starts it, and makes the user for tests.
func (s *Server) create() error {
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return err
	}
	if err := giveToUser(s.dir, secret); err != nil {
		return err
	}
	cmd := s.command("initdb", "--pgdata="+s.data(), "--username="+superuser, "--pwfile="+secret,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if err := os.Remove(secret); err != nil {
		return err
	}
	if s.options.Certificate != nil {
		if err := s.writeCertificate(); err != nil {
			return err
		}
	}
	if err := s.launchFirst(); err != nil {
		return err
	}
	ctx, cancel := brief()
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url(superuser, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE ROLE "+owner+" LOGIN PASSWORD '"+s.password+"'") // rand.Text: no quotes
	return err
}

// writeCertificate puts it where the server looks by itself.
func (s *Server) writeCertificate() error {
	certificate, key := filepath.Join(s.data(), "server.crt"), filepath.Join(s.data(), "server.key")
	if err := os.WriteFile(certificate, s.options.Certificate, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(key, s.options.Key, 0o600); err != nil {
		return err
	}
	return giveToUser(certificate, key)
}

// launchFirst looks for a port and launches. Somebody else may take the port
// in between, so it tries more than once.
func (s *Server) launchFirst() (err error) {
	for range 3 {
		if s.port, err = testservers.FreePort(10000); err != nil {
			return err
		}
		if err = s.launch(); err == nil {
			return nil
		}
	}
	return err
}

// launch starts the server and returns when it takes connections.
func (s *Server) launch() error {
	if err := s.process.Launch(s.command("postgres", s.arguments()...)); err != nil {
		return err
	}
	return s.await()
}

func (s *Server) arguments() []string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(s.port),
		"unix_socket_directories": "", // none
		"max_connections":         "400",
		"fsync":                   "off",
	}
	if s.options.Durable {
		settings["fsync"] = "on"
	}
	if s.options.Certificate != nil {
		settings["ssl"] = "on"
	}
	maps.Copy(settings, s.options.Settings)
	args := []string{"-D", s.data()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// await returns when the server takes connections, or will not.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.url(superuser, "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.process.Ended():
			return fmt.Errorf("postgres ended at once: %s", s.process.Tail())
		case <-ctx.Done():
			return fmt.Errorf("postgres is not ready after %v: %w: %s", startTimeout, err, s.process.Tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends all connections and then the server, in good order.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.process.End(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// Crash ends the server as a power cut would, as far as that can be had
// without cutting the power: nothing is finished or written any more, and the
// next Start recovers.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	if err := s.process.End(syscall.SIGQUIT); err != nil {
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

// Restart is Stop and Start.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.Start(t)
}

// Pause keeps all of the server's processes from doing anything, while
// connections to it stand. It works on Linux.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, s.process.Pid(), syscall.SIGSTOP) // first, so that it starts no others
	for _, pid := range s.children(t) {
		s.signal(t, pid, syscall.SIGSTOP)
	}
}

// Resume ends a Pause.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	for _, pid := range append(s.children(t), s.process.Pid()) {
		s.signal(t, pid, syscall.SIGCONT)
	}
}

func (s *Server) signal(t testing.TB, pid int, what syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, what); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}

func (s *Server) children(t testing.TB) (pids []int) {
	t.Helper()
	list, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", s.process.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	for field := range strings.FieldsSeq(string(list)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// remove ends the server without ceremony, for its files go with it.
func (s *Server) remove() {
	s.process.End(syscall.SIGQUIT)
	os.RemoveAll(s.dir)
}

// command is one of PostgreSQL's programs, which refuse to run as root.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.programs, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.programs + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	runAsUser(cmd)
	return cmd
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Log returns all that the server has written to its log.
func (s *Server) Log(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(s.process.Log)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Address is where the server listens, as host:port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Dir is the folder in which the server keeps its files.
func (s *Server) Dir() string { return s.dir }

func (s *Server) url(user, database string) string {
	u := url.URL{
		Scheme: "postgres",
		User:   url.UserPassword(user, s.password),
		Host:   s.Address(),
		Path:   "/" + database,
	}
	return u.String()
}

// brief bounds what the helper itself asks of a server.
func brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 30*time.Second)
}
