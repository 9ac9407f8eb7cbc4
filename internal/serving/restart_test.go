//go:build unix

package serving_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// load is clients that never stop asking.
type load struct {
	address string
	stop    chan struct{}
	all     sync.WaitGroup
	ids     atomic.Int64

	mu       sync.Mutex
	answered []string // what was confirmed
	failures []error
	pids     map[string]int // how many answers by which process
}

// begin starts clients of each kind: such as keep their connection and send what
// must not be repeated, over HTTP/1.1 and HTTP/2, and such as open one each time.
func begin(t *testing.T, address string) *load {
	l := &load{address: address, stop: make(chan struct{}), pids: map[string]int{}}
	keeping := func(c *http.Client, body func(string) io.Reader) {
		defer c.CloseIdleConnections()
		l.repeat(func(id string) (string, error) { return l.post(c, id, body(id)) })
	}
	// A body that cannot be read again keeps the client from trying again.
	once := func(id string) io.Reader { return io.MultiReader(strings.NewReader(id)) }
	for range 6 {
		l.all.Go(func() { keeping(&http.Client{Transport: &http.Transport{}, Timeout: patience}, once) })
	}
	// HTTP/2 tells which requests were not touched, and clients send those again
	// if they can. That none is carried out twice, check sees.
	again := func(id string) io.Reader { return strings.NewReader(id) }
	for range 2 {
		var p http.Protocols
		p.SetUnencryptedHTTP2(true)
		l.all.Go(func() { keeping(&http.Client{Transport: &http.Transport{Protocols: &p}, Timeout: patience}, again) })
	}
	for range 3 {
		l.all.Go(func() { l.repeat(l.once) })
	}
	t.Cleanup(l.end)
	return l
}

func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.all.Wait()
}

func (l *load) repeat(send func(id string) (string, error)) {
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		id := strconv.FormatInt(l.ids.Add(1), 10)
		pid, err := send(id)
		l.mu.Lock()
		if err != nil {
			l.failures = append(l.failures, fmt.Errorf("%s: %w", id, err))
		} else {
			l.answered = append(l.answered, id)
			l.pids[pid]++
		}
		l.mu.Unlock()
	}
}

func (l *load) post(c *http.Client, id string, body io.Reader) (string, error) {
	res, err := c.Post("http://"+l.address+"/", "text/plain", body)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	pid, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", res.StatusCode, pid)
	}
	return string(pid), err
}

func (l *load) once(id string) (string, error) {
	conn, err := net.DialTimeout("tcp", l.address, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(id), id)
	answer, err := io.ReadAll(conn)
	if err == nil && !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		err = fmt.Errorf("answer %q", answer)
	}
	_, pid, _ := strings.Cut(string(answer), "\r\n\r\n")
	return pid, err
}

// reached waits until the process has answered some.
func (l *load) reached(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) { // between two looks
		l.mu.Lock()
		n := l.pids[strconv.Itoa(pid)]
		l.mu.Unlock()
		if n >= 50 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %d has answered %d requests", pid, n)
		}
	}
}

// check fails for each request that failed, and compares what was confirmed with
// the journal, where there is one.
func (l *load) check(t *testing.T, journal string) {
	t.Helper()
	l.end()
	for i, err := range l.failures {
		if i < 10 {
			t.Error(err)
		}
	}
	t.Logf("%d requests answered by %d processes, %d failed", len(l.answered), len(l.pids), len(l.failures))
	if journal == "" {
		return
	}
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for id := range strings.FieldsSeq(string(text)) {
		times[id]++
	}
	for _, id := range l.answered {
		if times[id] != 1 {
			t.Errorf("request %s was carried out %d times", id, times[id])
		}
	}
}

// restarts is more in a long run.
func restarts() int {
	if os.Getenv("WAYLEAVE_TEST_LONG") == "1" {
		return 30
	}
	return 3
}

func TestRestart_NoRequestFails(t *testing.T) {
	for name, exclusive := range map[string]bool{"both processes can serve at once": false, "one process holds the store": true} {
		t.Run(name, func(t *testing.T) {
			s := settings{Linger: 300 * time.Millisecond}
			if exclusive {
				s.Journal = filepath.Join(t.TempDir(), "journal")
			}
			r := run(t, s)
			l := begin(t, r.address("app"))
			pid := r.pid()
			for range restarts() {
				l.reached(t, pid)
				after := r.count()
				r.signal(pid, syscall.SIGUSR2)
				pid = r.await("handed over", after).Successor
				r.await("ended", after)
			}
			l.reached(t, pid)
			l.check(t, s.Journal)
			if want := restarts() + 1; len(l.pids) != want {
				t.Errorf("answers of %d processes, want %d", len(l.pids), want)
			}
			r.exited(0)
			r.signal(pid, syscall.SIGTERM)
			r.await("ended", r.count()-1)
		})
	}
}

// A successor that is no good is told of, and the process that is there goes on,
// with what it held before, and can be ended as usual.
func TestRestart_ASuccessorThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		exclusive bool
		change    func(*settings)
		want      string
	}{
		"its configuration is refused": {false, func(s *settings) { s.Invalid = true }, "listen: this is no address"},
		"its configuration is refused, and one process holds the store": {
			true, func(s *settings) { s.Invalid = true }, "listen: this is no address"},
		"it cannot open the store":                                  {false, func(s *settings) { s.CannotOpen = true }, "the journal is of another version"},
		"it cannot listen":                                          {false, func(s *settings) { s.Address = "192.0.2.1:1" }, "listen on 192.0.2.1:1"},
		"it serves another thing that is in use by somebody":        {false, func(s *settings) { s.Journal = s.Gate }, "the journal is in use"},
		"it dies before it can say anything: settings are no JSON ": {false, nil, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			held := filepath.Join(t.TempDir(), "held")
			f, err := os.Create(held)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			s := settings{Network: "tcp", Address: "127.0.0.1:0", Linger: 100 * time.Millisecond, Gate: held}
			if test.exclusive {
				s.Journal = filepath.Join(t.TempDir(), "journal")
			}
			r := run(t, s)
			l := begin(t, r.address("app"))
			l.reached(t, r.pid())
			if changed := s; test.change == nil {
				if err := os.WriteFile(r.path, []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				test.change(&changed)
				r.set(changed)
			}
			r.signal(r.pid(), syscall.SIGUSR2)
			if got := r.await("restart failed, this process goes on", 0); !strings.Contains(got.Error, test.want) || got.PID != r.pid() {
				t.Errorf("process %d: %s, want %q", got.PID, got.Error, test.want)
			}
			l.forget()
			l.reached(t, r.pid())
			l.check(t, s.Journal)
			r.signal(r.pid(), syscall.SIGTERM)
			r.exited(0)
		})
	}
}

// The store was given up for a successor that then could not open it.
func TestRestart_TakesBackWhatItGaveUp(t *testing.T) {
	s := settings{Linger: 100 * time.Millisecond, Journal: filepath.Join(t.TempDir(), "journal"), Health: "localhost:0"}
	r := run(t, s)
	l := begin(t, r.address("app"))
	health := "http://" + r.address("health")
	l.reached(t, r.pid())
	bad := s
	bad.CannotOpen = true
	r.set(bad)
	after := r.count()
	r.signal(r.pid(), syscall.SIGUSR2)
	got := r.await("restart failed, this process goes on", after)
	if !strings.Contains(got.Error, "the journal is of another version") {
		t.Errorf("reason: %s", got.Error)
	}
	l.forget()
	l.reached(t, r.pid())
	l.check(t, s.Journal)
	if status, body, _ := get(t, http.DefaultClient, health+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz %d %s", status, body)
	}
	r.signal(r.pid(), syscall.SIGTERM)
	r.exited(0)
}

// forget begins to count anew who answers.
func (l *load) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pids = map[string]int{}
}
