package gateway_test

import (
	"bufio"
	"bytes"
	"io"
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
)

// These tests put real proxies in front of the gateway. What configures them is
// what people copy: the files of examples/gateway, and the snippets of the
// documents, with other ports.

const examples = "../../examples/gateway"

// program finds a program, or ends the test: quietly where a machine has only
// Go, as a failure in the full run, which must not skip anything.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil { // which not everybody has in the path
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil && os.Getenv("WAYLEAVE_TEST_FULL") == "1" {
		t.Fatalf("this test needs %s, which is not installed", name)
	}
	if err != nil {
		t.Skipf("this test needs %s, which is not installed", name)
	}
	return path
}

// front is a proxy in front.
type front struct {
	name, file string
	args       []string
}

var fronts = []front{
	{"nginx", "nginx.conf", []string{"-e", "stderr", "-p", ".", "-c", "nginx.conf"}},
	{"caddy", "Caddyfile", []string{"run"}},
}

// run starts the proxy with a configuration, until the test ends.
func (f front) run(t testing.TB, config, listen string) {
	t.Helper()
	path, dir := program(t, f.name), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, f.file), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	runProgram(t, dir, path, f.args...)
	eventually(t, f.name+" listens", func() bool { return listening(listen) })
}

// runProgram runs a program in a folder, which is its home too, until the test ends.
func runProgram(t testing.TB, dir, path string, args ...string) {
	t.Helper()
	var out output
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a shell's children end with it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer late.Stop()
		cmd.Wait() // it was told to end; how is its own matter
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(path), out.String())
		}
	})
}

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// besideRoutes are defaultRoutes for a gateway that is only asked. Where a token
// goes has to be said all the same.
var besideRoutes = strings.ReplaceAll(strings.ReplaceAll(defaultRoutes, " upstream: UPSTREAM,", ""), "{path: /token,", "{path: /token, upstream: UPSTREAM,")

// beside starts a gateway that a proxy asks, with the configuration of the
// example. The browsers of the gateway see the proxy.
func beside(t testing.TB, f front) (g *gateway, listen string) {
	t.Helper()
	program(t, f.name)
	listen = freeAddress(t)
	base := strings.Replace("http://"+listen, "127.0.0.1", "localhost", 1)
	g = start(t, setup{base: base, extra: trusting, routes: besideRoutes})
	text, err := os.ReadFile(filepath.Join(examples, f.file))
	if err != nil {
		t.Fatal(err)
	}
	f.run(t, ports(string(text), map[string]string{"8000": listen, "8001": g.listen, "3000": g.up.Listener.Addr().String()}), listen)
	return g, listen
}

// ports replaces ports by those of addresses.
func ports(text string, by map[string]string) string {
	var pairs []string
	for old, address := range by {
		_, port, _ := net.SplitHostPort(address)
		pairs = append(pairs, ":"+old, ":"+port)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// sendTo is send, to another address and with less patience.
func sendTo(t testing.TB, address, raw string) (all []answer) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go io.WriteString(conn, raw)
	for r := bufio.NewReader(conn); ; {
		conn.SetReadDeadline(time.Now().Add(long(300*time.Millisecond, 2*time.Second)))
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return all
		}
		body, _ := io.ReadAll(resp.Body)
		all = append(all, answer{resp, string(body)})
	}
}

// once sends one request and returns its answer.
func once(t testing.TB, address, raw string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	go io.WriteString(conn, raw)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answer{Response: &http.Response{}}
	}
	body, _ := io.ReadAll(resp.Body)
	return answer{resp, string(body)}
}
