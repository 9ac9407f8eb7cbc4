//go:build unix

package serving_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// folder is short, because names of sockets must be.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestUnixSocket(t *testing.T) {
	t.Run("its mode, its next owner, its end", func(t *testing.T) {
		path := filepath.Join(folder(t), "app")
		r := run(t, settings{Network: "unix", Address: path, Linger: time.Millisecond})
		r.address("app")
		info, err := os.Stat(path)
		if err != nil || info.Mode() != os.ModeSocket|0o660 {
			t.Fatalf("%v, %v", info.Mode(), err)
		}
		if _, body, _ := get(t, client(t, "unix", path), "http://a/"); body != fmt.Sprint(r.pid()) {
			t.Errorf("answered by %s", body)
		}
		r.signal(r.pid(), syscall.SIGUSR2)
		successor := r.await("handed over", 0).Successor
		r.exited(0)
		if _, body, _ := get(t, client(t, "unix", path), "http://a/"); body != fmt.Sprint(successor) {
			t.Errorf("answered by %s, want %d", body, successor)
		}
		after := r.count()
		r.signal(successor, syscall.SIGTERM)
		r.await("ended", after)
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("the socket is still there: %v", err)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})

	t.Run("one that nobody listens on is replaced", func(t *testing.T) {
		path := filepath.Join(folder(t), "app")
		ln, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		ln.(*net.UnixListener).SetUnlinkOnClose(false)
		ln.Close()
		r := run(t, settings{Network: "unix", Address: path})
		r.address("app")
		if status, _, _ := get(t, client(t, "unix", path), "http://a/"); status != 200 {
			t.Errorf("status %d", status)
		}
	})

	t.Run("one that somebody listens on is not", func(t *testing.T) {
		path := filepath.Join(folder(t), "app")
		ln, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		r := run(t, settings{Network: "unix", Address: path})
		r.exited(1)
		want := "listen on " + path + ": another process listens there: stop it, or choose another path"
		if got := r.await("program", 0).Error; got != want {
			t.Errorf("error: %s", got)
		}
		if conn, err := net.Dial("unix", path); err != nil {
			t.Error(err)
		} else {
			conn.Close()
		}
	})

	t.Run("a file of another kind is not", func(t *testing.T) {
		path := filepath.Join(folder(t), "app")
		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		r := run(t, settings{Network: "unix", Address: path})
		r.exited(1)
		if got := r.await("program", 0).Error; !strings.Contains(got, "there is a file of that name that is no socket") {
			t.Errorf("error: %s", got)
		}
		if text, _ := os.ReadFile(path); string(text) != "precious" {
			t.Errorf("now: %q", text)
		}
	})
}

func TestListen_Refusals(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for name, test := range map[string]struct{ network, address, want string }{
		"an address in use":                  {"tcp", ln.Addr().String(), "address already in use: stop the other program, or choose another address"},
		"a network that is not known":        {"sctp", "x", `listen on x: unknown network "sctp": want tcp, unix or systemd`},
		"a socket that was not passed to us": {"systemd", "web", "listen on web: no socket of that name was passed to us, only none: "},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, settings{Network: test.network, Address: test.address})
			r.exited(1)
			if got := r.await("program", 0).Error; !strings.Contains(got, test.want) {
				t.Errorf("error: %s, want %s", got, test.want)
			}
		})
	}
}

func TestInherit_WhatNoPredecessorSays(t *testing.T) {
	r := prepare(t, settings{})
	r.cmd.Env = append(r.cmd.Env, "WAYLEAVE_PREDECESSOR=yes")
	r.start()
	r.exited(1)
	if got := r.await("program", 0).Error; !strings.HasPrefix(got, "environment variable WAYLEAVE_PREDECESSOR: want what a predecessor sets, got something else") {
		t.Errorf("error: %s", got)
	}
}

// activate starts the program as a service manager does that listens for it.
func activate(t *testing.T, r *running, names string, lns ...net.Listener) {
	t.Helper()
	// The process id is known only to the process itself.
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs sh")
	}
	r.cmd.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`}, os.Args[0])
	r.cmd.Path = sh
	r.cmd.Env = append(r.cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(lns)), "LISTEN_FDNAMES="+names)
	for _, ln := range lns {
		f, err := ln.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r.cmd.ExtraFiles = append(r.cmd.ExtraFiles, f)
	}
	r.start()
}

func TestSocketActivation(t *testing.T) {
	listen := func(t *testing.T) net.Listener {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		return ln
	}

	t.Run("a socket is found by its name, also by the successor", func(t *testing.T) {
		r := prepare(t, settings{Network: "systemd", Address: "web", Linger: time.Millisecond})
		web := listen(t)
		activate(t, r, "admin:web", listen(t), web)
		if got := r.address("app"); got != web.Addr().String() {
			t.Fatalf("listens on %s, want %s", got, web.Addr())
		}
		r.signal(r.pid(), syscall.SIGUSR2)
		successor := r.await("handed over", 0).Successor
		url := "http://" + web.Addr().String() + "/"
		if _, body, _ := get(t, client(t, "tcp", web.Addr().String()), url); body != fmt.Sprint(successor) {
			t.Errorf("answered by %s, want %d", body, successor)
		}
		r.exited(0)
	})

	t.Run("a request that comes while nothing runs is answered", func(t *testing.T) {
		r := prepare(t, settings{Network: "systemd", Address: "web"})
		web := listen(t)
		answer := make(chan error, 1)
		go func() {
			res, err := http.Get("http://" + web.Addr().String() + "/")
			if err == nil {
				res.Body.Close()
			}
			answer <- err
		}()
		activate(t, r, "web", web)
		if err := <-answer; err != nil {
			t.Error(err)
		}
	})

	t.Run("another name", func(t *testing.T) {
		r := prepare(t, settings{Network: "systemd", Address: "web"})
		activate(t, r, "one:two", listen(t), listen(t))
		r.exited(1)
		if got := r.await("program", 0).Error; !strings.HasPrefix(got, "listen on web: no socket of that name was passed to us, only one, two: ") {
			t.Errorf("error: %s", got)
		}
	})

	t.Run("a name given twice", func(t *testing.T) {
		r := prepare(t, settings{Network: "systemd", Address: "web"})
		activate(t, r, "web:web", listen(t), listen(t))
		r.exited(1)
		if got := r.await("program", 0).Error; !strings.HasPrefix(got, "two sockets with the name web were passed to us: ") {
			t.Errorf("error: %s", got)
		}
	})
}
