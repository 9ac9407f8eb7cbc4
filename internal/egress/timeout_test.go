package egress

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stalling is a client whose connections lead to serve, in the time of a
// synctest bubble. A bubble ends only when all its goroutines have, so that
// these tests also show that nothing is left behind.
func stalling(p Policy, serve func(net.Conn)) *Client {
	c := New(p)
	c.network = func(ctx context.Context, _ *net.Dialer, _, _ string) (net.Conn, error) {
		if serve == nil {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			serve(theirs)
		}()
		return ours, nil
	}
	return c
}

func readAll(conn net.Conn) { io.Copy(io.Discard, conn) }

func drip(conn net.Conn) {
	http.ReadRequest(bufio.NewReader(conn))
	io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
	for {
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			return // the client is gone
		}
		conn.Write([]byte{'x'})
	}
}

func TestNET07_A034_EachPhaseHasItsDeadline(t *testing.T) {
	for _, tc := range []struct {
		name    string
		url     string
		serve   func(net.Conn)
		timeout time.Duration
		want    time.Duration
	}{
		{"connecting stalls", "https://id.example.com", nil, 0, 5 * time.Second},
		{"the TLS handshake stalls", "https://id.example.com", readAll, 0, 5 * time.Second},
		{"the answer never begins", "http://localhost", readAll, 0, 8 * time.Second},
		{"the body comes a byte a second", "http://localhost", drip, 0, 10 * time.Second},
		{"a shorter total over connecting", "https://id.example.com", nil, 2 * time.Second, 2 * time.Second},
		{"a shorter total over the handshake", "https://id.example.com", readAll, 2 * time.Second, 2 * time.Second},
		{"a shorter total over the answer", "http://localhost", readAll, 2 * time.Second, 2 * time.Second},
		{"a longer total leaves the phases", "http://localhost", readAll, time.Minute, 8 * time.Second},
		{"a negative total is the default", "http://localhost", drip, -1, 10 * time.Second},
	} {
		t.Run("NET-07 "+tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := stalling(Policy{Development: true, Timeout: tc.timeout}, tc.serve)
				start := time.Now()
				response, err := c.Do(t.Context(), Request{URL: tc.url})
				if !errors.Is(err, ErrTimeout) || response != nil {
					t.Errorf("got %v, %v; want ErrTimeout", response, err)
				}
				if took := time.Since(start); took != tc.want {
					t.Errorf("took %v, want %v", took, tc.want)
				}
				c.CloseIdle()
			})
		})
	}
}

func TestNET07_TheCallersContext(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){"connecting": nil, "waiting": readAll, "reading": drip} {
		t.Run("cancelled while "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := stalling(Policy{Development: true}, serve)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(1500*time.Millisecond, cancel)
				_, err := c.Do(ctx, Request{URL: "http://localhost"})
				if !errors.Is(err, context.Canceled) || errors.Is(err, ErrTimeout) || errors.Is(err, ErrUnreachable) {
					t.Errorf("got %v, want context.Canceled alone", err)
				}
				c.CloseIdle()
			})
		})
		t.Run("its deadline while "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := stalling(Policy{Development: true}, serve)
				ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
				defer cancel()
				start := time.Now()
				_, err := c.Do(ctx, Request{URL: "http://localhost"})
				if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 1500*time.Millisecond {
					t.Errorf("after %v: %v, want ErrTimeout and context.DeadlineExceeded", time.Since(start), err)
				}
				c.CloseIdle()
			})
		})
	}
	t.Run("cancelled before the call", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := stalling(Policy{}, func(net.Conn) { t.Error("connected") })
		if _, err := c.Do(ctx, Request{URL: "https://id.example.com"}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// A provider that stalls holds at most 64 connections; calls beyond that wait
// for their turn and give up in time.
func TestNET07_StalledCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		open := 0
		count := func(by int) int {
			mu.Lock()
			defer mu.Unlock()
			open += by
			return open
		}
		c := stalling(Policy{Development: true}, func(conn net.Conn) {
			count(1)
			defer count(-1)
			readAll(conn)
		})
		var calls sync.WaitGroup
		start := time.Now()
		for range 200 {
			calls.Go(func() {
				if _, err := c.Do(t.Context(), Request{URL: "http://localhost"}); !errors.Is(err, ErrTimeout) {
					t.Errorf("got %v, want ErrTimeout", err)
				}
			})
		}
		time.Sleep(7 * time.Second) // the first ones give up after 8
		if n := count(0); n != 64 {
			t.Errorf("%d connections at once, want 64", n)
		}
		calls.Wait()
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the last call gave up after %v", took)
		}
		time.Sleep(time.Minute) // a connection that came too late for its call idles, and ends
	})
}

// The same over real sockets: stalls leave no goroutine behind.
func TestNET07_GoroutinesReturnToBaseline(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close() // open, and silent, until the test ends
		}
	}()
	baseline := runtime.NumGoroutine()
	c := New(Policy{Development: true, Timeout: 50 * time.Millisecond})
	var calls sync.WaitGroup
	for i := range 100 {
		calls.Go(func() {
			scheme := []string{"http://", "https://"}[i%2]
			if _, err := c.Do(t.Context(), Request{Method: "POST", URL: scheme + l.Addr().String(), Body: []byte("x")}); !errors.Is(err, ErrTimeout) {
				t.Errorf("got %v, want ErrTimeout", err)
			}
		})
	}
	calls.Wait()
	c.CloseIdle()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > baseline; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), baseline)
		}
	}
}
