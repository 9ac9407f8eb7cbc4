//go:build unix

package serving_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// slow asks for something that is answered when the gate is open, and waits
// until the program works on it.
func slow(t *testing.T, r *running, c *http.Client, address string) <-chan string {
	t.Helper()
	answer := make(chan string, 1)
	after := r.count()
	go func() {
		res, err := c.Get("http://" + address + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		answer <- fmt.Sprint(string(body), err)
	}()
	r.await("slow began", after)
	return answer
}

func open(t *testing.T, gate string) {
	t.Helper()
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDrain(t *testing.T) {
	gate := func(t *testing.T) string { return filepath.Join(t.TempDir(), "gate") }

	t.Run("a request under way is answered, and health tells what happens meanwhile", func(t *testing.T) {
		s := settings{Gate: gate(t), Health: "localhost:0", Linger: 100 * time.Millisecond}
		r := run(t, s)
		address, health := r.address("app"), "http://"+r.address("health")
		if status, body, _ := get(t, http.DefaultClient, health+"/readyz"); status != 200 || body != `{"ready":true,"reasons":[]}`+"\n" {
			t.Errorf("before: %d %s", status, body)
		}
		if _, body, _ := get(t, http.DefaultClient, health+"/metrics"); body != "metrics" {
			t.Errorf("metrics: %s", body)
		}
		answer := slow(t, r, client(t, "tcp", address), address)
		r.signal(r.pid(), syscall.SIGTERM)
		r.await("ending", 0)
		for until := time.Now().Add(patience); ; { // until nothing is accepted
			conn, err := net.Dial("tcp", address)
			if err != nil {
				break
			}
			conn.Close()
			if time.Now().After(until) {
				t.Fatal("still accepts")
			}
		}
		if status, body, _ := get(t, http.DefaultClient, health+"/readyz"); status != 503 || body != `{"ready":false,"reasons":["draining"]}`+"\n" {
			t.Errorf("meanwhile: %d %s", status, body)
		}
		if status, _, _ := get(t, http.DefaultClient, health+"/livez"); status != 200 {
			t.Errorf("alive meanwhile: %d", status)
		}
		open(t, s.Gate)
		if got := <-answer; got != "at last<nil>" {
			t.Errorf("answer: %s", got)
		}
		r.exited(0)
	})

	t.Run("while it lingers, kept connections are told and new ones are served", func(t *testing.T) {
		r := run(t, settings{Linger: patience})
		address := r.address("app")
		kept := client(t, "tcp", address)
		_, _, header := get(t, kept, "http://"+address+"/")
		if header.Get("Connection") != "" {
			t.Error("the connection ends before its time")
		}
		r.signal(r.pid(), syscall.SIGTERM)
		r.await("ending", 0)
		other, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		res, err := kept.Get("http://" + address + "/")
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if !res.Close {
			t.Error("the kept connection was not told of the end")
		}
		fmt.Fprint(other, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if answer, err := io.ReadAll(other); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") || !strings.Contains(string(answer), "Connection: close") {
			t.Errorf("new connection: %q, %v", answer, err)
		}
		r.exited(0) // at once, since no connection is left
	})

	t.Run("what takes too long is cut off", func(t *testing.T) {
		s := settings{Gate: gate(t), Linger: time.Millisecond, Drain: 50 * time.Millisecond}
		r := run(t, s)
		address := r.address("app")
		answer := slow(t, r, client(t, "tcp", address), address)
		r.signal(r.pid(), syscall.SIGTERM)
		if got := <-answer; !strings.Contains(got, "EOF") {
			t.Errorf("answer: %s", got)
		}
		r.await("slow was cut off", 0) // before what it uses is closed
		r.exited(0)
	})

	t.Run("a second signal ends at once", func(t *testing.T) {
		s := settings{Gate: gate(t), Linger: time.Hour, Drain: time.Hour}
		r := run(t, s)
		address := r.address("app")
		answer := slow(t, r, client(t, "tcp", address), address)
		r.signal(r.pid(), syscall.SIGTERM)
		r.await("ending", 0)
		r.signal(r.pid(), syscall.SIGINT)
		r.exited(1)
		if got := r.await("program", 0).Error; got != "ended at once by a second signal" {
			t.Errorf("error: %s", got)
		}
		<-answer
	})

	t.Run("a hijacked connection is told by its owner, and waited for", func(t *testing.T) {
		r := run(t, settings{Linger: time.Millisecond})
		conn, err := net.Dial("tcp", r.address("app"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
		in := bufio.NewReader(conn)
		if status, err := in.ReadString('\n'); err != nil || !strings.Contains(status, "101") {
			t.Fatalf("%q, %v", status, err)
		}
		r.signal(r.pid(), syscall.SIGTERM)
		if rest, err := io.ReadAll(in); err != nil || !strings.HasSuffix(string(rest), "\r\n\r\nbye") {
			t.Errorf("%q, %v", rest, err)
		}
		r.exited(0)
	})

	t.Run("a connection that never says anything is not waited for", func(t *testing.T) {
		r := run(t, settings{Linger: time.Millisecond, Drain: time.Hour})
		conn, err := net.Dial("tcp", r.address("app"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		r.signal(r.pid(), syscall.SIGTERM)
		r.exited(0)
	})
}

// A restart does not wait for a request that needs what is shared; the request
// is answered all the same.
func TestRestart_ASlowRequestIsAnswered(t *testing.T) {
	s := settings{Gate: filepath.Join(t.TempDir(), "gate"), Linger: 50 * time.Millisecond}
	r := run(t, s)
	address := r.address("app")
	answer := slow(t, r, client(t, "tcp", address), address)
	r.signal(r.pid(), syscall.SIGUSR2)
	successor := r.await("handed over", 0).Successor
	if _, body, _ := get(t, client(t, "tcp", address), "http://"+address+"/"); body != fmt.Sprint(successor) {
		t.Errorf("answered by %s, want %d", body, successor)
	}
	open(t, s.Gate)
	if got := <-answer; got != "at last<nil>" {
		t.Errorf("answer: %s", got)
	}
	r.exited(0)
}
