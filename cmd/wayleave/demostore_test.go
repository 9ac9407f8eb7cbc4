package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/devidp/robot"
)

// demo is a running "wayleave demo".
type demo struct {
	url  string
	stop func() (code int, errs string)
}

func startDemo(t *testing.T, args ...string) demo {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, errs := &address{found: make(chan string, 1)}, &bytes.Buffer{}
	done := make(chan int, 1)
	go func() { done <- run(ctx, append([]string{"demo"}, args...), out, errs) }()
	select {
	case url := <-out.found:
		return demo{strings.TrimSuffix(url, "/"), func() (int, string) { cancel(); return <-done, errs.String() }}
	case code := <-done:
		t.Fatalf("exit %d: %s", code, errs)
		return demo{}
	}
}

// freePort is an address that nobody listens on a moment before it is used.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// The way of a session through everything that an operator can do: it outlives
// a restart, is listed, and ends when they say so.
func TestSES20_ASessionOfTheDemoOutlivesARestartAndEndsByCommand(t *testing.T) {
	dir, err := os.MkdirTemp("", "wl") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	keys, socket := filepath.Join(dir, "keys"), "unix:"+filepath.Join(dir, "a.sock")
	if code, _, errs := runCommand(t, "keys", "new", keys); code != 0 {
		t.Fatal(errs)
	}
	args := []string{"--listen", freePort(t), "--provider", freePort(t), "--store", "file:" + filepath.Join(dir, "db"), "--keys", keys, "--admin", socket}
	d := startDemo(t, args...)
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	open := func(url string) *http.Response {
		t.Helper()
		r, _ := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		resp, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	callback, err := robot.New(nil).SignIn(open(d.url+"/auth/google/login").Header.Get("Location"), "ada", true)
	if err != nil {
		t.Fatal(err)
	}
	open(callback)
	if resp := open(d.url + "/dashboard"); resp.StatusCode != 200 {
		t.Fatalf("not signed in: status %d", resp.StatusCode)
	}
	if code, errs := d.stop(); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}

	d = startDemo(t, args...)
	if resp := open(d.url + "/dashboard"); resp.StatusCode != 200 {
		t.Errorf("after a restart: status %d", resp.StatusCode)
	}
	code, list, errs := runCommand(t, "sessions", "list", "--admin", socket)
	if code != 0 || !strings.Contains(list, "ada@example.com") || !strings.Contains(list, "Firefox on Linux") {
		t.Errorf("exit %d: %s%s", code, list, errs)
	}
	if code, out, errs := runCommand(t, "sessions", "end", "--admin", socket, "--email", "ada@example.com"); code != 0 || !strings.Contains(out, "1 session") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if resp := open(d.url + "/dashboard"); resp.StatusCode != 303 {
		t.Errorf("after its end: status %d", resp.StatusCode)
	}
	if code, errs := d.stop(); code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}

	other := filepath.Join(dir, "others")
	if code, _, errs := runCommand(t, "keys", "new", other); code != 0 {
		t.Fatal(errs)
	}
	args[7] = other
	if code, _, errs := runCommand(t, append([]string{"demo"}, args...)...); code != 1 || !strings.Contains(errs, "sealed with other keys than the configured ones") {
		t.Errorf("with other keys: exit %d: %s", code, errs)
	}
}

func TestTheDemoNamesWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"keys for a file":              {[]string{"--store", "file:" + dir + "/db"}, "wayleave keys new FILE"},
		"a kind of store":              {[]string{"--store", "mysql://u:secret@h/db", "--keys", dir + "/none"}, "none"},
		"a socket's path":              {[]string{"--admin", "/run/x.sock"}, "give unix: and a path"},
		"a folder for the socket":      {[]string{"--admin", "unix:" + dir + "/none/x.sock"}, "no such file"},
		"a socket, and there's a file": {[]string{"--admin", "unix:" + dir}, "no socket"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := runCommand(t, append([]string{"demo", "--listen", "127.0.0.1:0"}, tc.args...)...)
			if code != 1 || !strings.Contains(errs, tc.want) || strings.Contains(out+errs, "secret") {
				t.Errorf("exit %d: %s; want %q", code, errs, tc.want)
			}
		})
	}
}

func TestAnAdminSocketIsOfThisUserAloneAndNeverTakenOver(t *testing.T) {
	dir, err := os.MkdirTemp("", "wl")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "a.sock")
	first, err := listenAdmin("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := listenAdmin("unix:" + path); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("a second one: %v", err)
	}
	first.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("closed, and still there: %v", err)
	}
	// What a process that was killed leaves behind.
	left, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	left.Close()
	again, err := listenAdmin("unix:" + path)
	if err != nil {
		t.Fatalf("over what was left: %v", err)
	}
	again.Close()
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left over: %v", entries)
	}
}
