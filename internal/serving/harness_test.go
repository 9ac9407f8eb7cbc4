//go:build unix

package serving_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers"
)

// patience is how long something may take on a busy machine.
const patience = 30 * time.Second

// running is a row of processes, each of which took over from the one before.
type running struct {
	t    *testing.T
	path string // of the settings
	cmd  *exec.Cmd
	exit chan error

	mu    sync.Mutex
	lines []line
	more  chan struct{} // closed and renewed with each line
}

type line struct {
	Msg, Listener, Address, Error, Why string
	PID, Successor                     int
	text                               string
}

// prepare writes settings for a program that has not been started.
func prepare(t *testing.T, s settings) *running {
	t.Helper()
	if s.Network == "" {
		s.Network, s.Address = "tcp", "127.0.0.1:0"
	}
	r := &running{t: t, path: filepath.Join(t.TempDir(), "settings"), exit: make(chan error, 1), more: make(chan struct{})}
	r.cmd = exec.Command(os.Args[0], "-test.run=^$")
	r.cmd.Env = append(os.Environ(), envSettings+"="+r.path)
	r.set(s)
	return r
}

func run(t *testing.T, s settings) *running {
	t.Helper()
	r := prepare(t, s)
	r.start()
	return r
}

// set replaces the settings as an editor does, or a mounted volume.
func (r *running) set(s settings) {
	r.t.Helper()
	if s.Network == "" {
		s.Network, s.Address = "tcp", "127.0.0.1:0"
	}
	text, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(r.path+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(r.path+".new", r.path)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) start() {
	r.t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	r.cmd.Stdout, r.cmd.Stderr = in, in
	// A group of its own: successors belong to it, and end with it.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	in.Close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		r.read(bufio.NewScanner(out))
	}()
	go func() { r.exit <- r.cmd.Wait() }()
	r.t.Cleanup(func() {
		syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		<-read
		out.Close()
		var all strings.Builder
		for _, l := range r.lines {
			all.WriteString(l.text + "\n")
		}
		if testservers.Defect(all.String()) != "" {
			r.t.Error("the program has a defect")
		}
		if r.t.Failed() {
			r.t.Log(all.String())
		}
	})
}

func (r *running) read(lines *bufio.Scanner) {
	for lines.Scan() {
		l := line{text: lines.Text()}
		json.Unmarshal(lines.Bytes(), &l)
		r.mu.Lock()
		r.lines = append(r.lines, l)
		close(r.more)
		r.more = make(chan struct{})
		r.mu.Unlock()
	}
}

// count is how many lines there are, to wait for those that come later.
func (r *running) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.lines)
}

// await returns the first line with that message behind the first after ones.
func (r *running) await(msg string, after int) line {
	r.t.Helper()
	late := time.After(patience)
	for {
		r.mu.Lock()
		more := r.more
		for _, l := range r.lines[after:] {
			if l.Msg == msg {
				r.mu.Unlock()
				return l
			}
		}
		after = len(r.lines)
		r.mu.Unlock()
		select {
		case <-more:
		case <-late:
			r.t.Fatalf("the program never said %q", msg)
		}
	}
}

// address waits until a listener of the first process is there.
func (r *running) address(listener string) string {
	r.t.Helper()
	for after := 0; ; {
		l := r.await("listening", after)
		if l.Listener == listener {
			return l.Address
		}
		after++
	}
}

func (r *running) signal(pid int, sig syscall.Signal) {
	r.t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) pid() int { return r.cmd.Process.Pid }

// exited waits for the end of the first process, with this status.
func (r *running) exited(status int) {
	r.t.Helper()
	select {
	case <-r.exit:
		if got := r.cmd.ProcessState.ExitCode(); got != status {
			r.t.Fatalf("ended with status %d, want %d", got, status)
		}
	case <-time.After(patience):
		r.t.Fatal("the process has not ended")
	}
}

// get asks over a connection of its own.
func get(t *testing.T, c *http.Client, url string) (int, string, http.Header) {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body.String(), res.Header
}

// client is one with connections of its own, to a fixed address.
func client(t *testing.T, network, address string) *http.Client {
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial(network, address) }}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}
