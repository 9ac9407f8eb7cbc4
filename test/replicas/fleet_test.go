package replicas_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers"
)

// fleet is an app whose replicas share a store, keys and a provider.
type fleet struct {
	idp   *idp
	keys  string // file
	store string // URL
	args  []string
}

// newFleet has no replicas yet.
func newFleet(p *idp, db database) *fleet {
	return &fleet{idp: p, store: db.url, keys: db.keys}
}

func (f *fleet) start(t testing.TB, n int) (all []*replica) {
	t.Helper()
	for range n {
		all = append(all, f.startOn(t, f.store))
	}
	return all
}

// replica is one process of the app.
type replica struct {
	t     testing.TB
	path  string // its files begin with it
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{} // closed when it has
	wire  *http.Transport
	admin *http.Client
}

var started atomic.Int64

// startOn starts a replica that knows the store under this URL, and returns when
// it takes requests.
func (f *fleet) startOn(t testing.TB, store string) *replica {
	t.Helper()
	r, err := f.launch(t, store)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f *fleet) launch(t testing.TB, store string) (*replica, error) {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{t: t, path: filepath.Join(folder, fmt.Sprint(started.Add(1))), ended: make(chan struct{})}
	r.cmd = exec.Command(program, append([]string{"-listen", "unix:" + r.path, "-admin", "unix:" + r.path + ".admin",
		"-base-url", baseURL, "-keys", f.keys, "-issuer", f.idp.Issuer()}, f.args...)...)
	r.cmd.Env = append(os.Environ(), "STORE="+store)
	log, err := os.Create(r.path + ".log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r.cmd.Stderr = log
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	go func() { r.cmd.Wait(); close(r.ended) }()
	if line != "ready\n" {
		r.end(syscall.SIGKILL)
		return nil, fmt.Errorf("the app did not start: %s", r.tail())
	}
	r.wire = &http.Transport{DialContext: dialer(r.path), MaxIdleConnsPerHost: 1000, DisableCompression: true}
	r.admin = &http.Client{Transport: &http.Transport{DialContext: dialer(r.path + ".admin"), DisableKeepAlives: true}}
	t.Cleanup(func() {
		if r.running() {
			r.stop()
		}
		if defect := testservers.Defect(r.log()); defect != "" {
			t.Errorf("replica %s: %s", filepath.Base(r.path), defect)
		} else if t.Failed() {
			t.Logf("replica %s said at last:\n%s", filepath.Base(r.path), r.tail())
		}
	})
	return r, nil
}

func dialer(path string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
}

// stop ends the replica in good order.
func (r *replica) stop() {
	r.t.Helper()
	r.end(syscall.SIGTERM)
	if status := r.cmd.ProcessState.ExitCode(); status != 0 {
		r.t.Errorf("a replica that was stopped ended with status %d: %s", status, r.tail())
	}
}

// kill ends the replica in the middle of whatever it does.
func (r *replica) kill() { r.end(syscall.SIGKILL) }

func (r *replica) end(how os.Signal) {
	r.cmd.Process.Signal(how)
	select {
	case <-r.ended:
	case <-time.After(2 * time.Minute):
		r.t.Errorf("a replica did not end within two minutes of %v", how)
		r.cmd.Process.Kill()
		<-r.ended
	}
	r.stdin.Close()
	if r.wire != nil {
		r.wire.CloseIdleConnections()
	}
}

func (r *replica) running() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

func (r *replica) log() string {
	text, _ := os.ReadFile(r.path + ".log")
	return string(text)
}

// tail returns the end of the log, or what the race detector has found.
func (r *replica) tail() string {
	log := r.log()
	if i := strings.Index(log, "WARNING: DATA RACE"); i >= 0 {
		return log[i:min(len(log), i+3000)]
	}
	return log[max(0, len(log)-1000):]
}

// sessions returns how many there are, as operators see them.
func (r *replica) sessions(t testing.TB, which url.Values) (n int) {
	t.Helper()
	resp, err := r.admin.Get("http://admin/sessions?" + which.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var line struct {
			End   bool
			Count int
		}
		if err := lines.Decode(&line); err != nil {
			t.Fatalf("the list of sessions is cut off: %v", err)
		}
		if line.End {
			return line.Count
		}
	}
}

func decode(part string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(b, into) == nil
}
