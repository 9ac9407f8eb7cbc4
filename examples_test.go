package wayleave_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
)

// TestTheLoginExample: a complete login in a web app takes at most forty
// lines, imports included, and they work.
func TestTheLoginExample(t *testing.T) {
	source, err := os.ReadFile("examples/login/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(source, []byte("\n")); lines > 40 {
		t.Errorf("the example has %d lines, want at most 40", lines)
	}
	program := filepath.Join(t.TempDir(), "login")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", program, "./examples/login").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	issuer, stop := startProvider()
	defer stop()
	listen := freeAddress(t)
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "LISTEN="+listen, "GOOGLE_STAND_IN="+issuer, "GOOGLE_CLIENT_ID=app", "GOOGLE_CLIENT_SECRET="+devidp.DevSecret)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait() // it is killed in the end: the error says nothing
		close(exited)
	}()
	defer func() {
		cmd.Process.Kill()
		<-exited
	}()
	waitFor(t, listen, exited, &log)
	if got, want := visit("http://"+listen+"/", "zoe"), `<p>Hello Zoë O’Neil &amp; Søn! <a href="/auth/logout">Sign out</a>`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// freeAddress returns an address of this machine on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// waitFor waits until somebody listens.
func waitFor(t *testing.T, address string, exited <-chan struct{}, log *bytes.Buffer) {
	t.Helper()
	for range 1000 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-exited:
			t.Fatalf("it ended: %s", log)
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatalf("nobody listens on %s", address)
}
