package browser_test

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/test/browser"
)

// TestTheDemo is the command that a newcomer runs: it prints one address, where
// a browser can sign in; a port that is taken is an error that names the cure;
// and it ends when it is asked to.
func TestTheDemo(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "wayleave")
	build := exec.Command("go", "build", "-o", binary, "./cmd/wayleave")
	build.Dir = filepath.Join("..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	demo := startDemo(t, binary)

	tab := browser.Start(t, browser.Options{}).Tab(t)
	tab.Do(
		browser.Goto(demo.address),
		browser.Click("G Sign in with Google"),
		browser.WaitText("Choose an account"),
		choose("ada"),
		browser.WaitText("Finance Tracker wants to access your email, profile and transactions"),
		browser.Click("Allow"),
		browser.WaitText("Hello, Ada Marsh"),
		shows("the transactions", `table tbody tr`),
		browser.Screenshot("demo"),
		browser.Click("See how this login worked"),
		browser.WaitText("The story of a login"),
	)

	at, err := url.Parse(demo.address)
	if err != nil {
		t.Fatal(err)
	}
	taken := exec.Command(binary, "demo", "--listen", at.Host)
	var said bytes.Buffer
	taken.Stderr = &said
	err = taken.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("with a port that is taken it ends with %v, want exit status 1", err)
	}
	if cure := regexp.MustCompile(`port ` + at.Port() + ` is in use; .*--listen localhost:\d+\n$`); !cure.MatchString(said.String()) {
		t.Errorf("the error for a port that is taken: %q", said.String())
	}

	if err := demo.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-demo.ended; err != nil {
		t.Errorf("asked to end, it ends with %v", err)
	}
	if connection, err := net.Dial("tcp", at.Host); err == nil {
		connection.Close()
		t.Error("it has ended, and still somebody listens")
	}
}

type demo struct {
	command *exec.Cmd
	address string     // that it printed
	ended   chan error // how it ended
}

func startDemo(t *testing.T, binary string) *demo {
	t.Helper()
	d := &demo{command: exec.Command(binary, "demo", "--listen", "localhost:0"), ended: make(chan error, 1)}
	output, err := d.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.command.Process.Kill() })
	printed := make(chan string, 16)
	go func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			printed <- lines.Text()
		}
		d.ended <- d.command.Wait()
	}()
	select {
	case line := <-printed:
		addresses := regexp.MustCompile(`https?://\S+`).FindAllString(line, -1)
		if len(addresses) != 1 || !strings.HasPrefix(addresses[0], "http://localhost:") {
			t.Fatalf("it should print one address, but said %q", line)
		}
		d.address = addresses[0]
	case <-time.After(15 * time.Second):
		t.Fatal("it printed no address within 15 s")
	}
	return d
}
