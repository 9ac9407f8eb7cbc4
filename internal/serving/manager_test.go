//go:build linux

package serving_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The service manager hears of the start, of a reload, of the process that took
// over, and of the end.
func TestServiceManager(t *testing.T) {
	path := filepath.Join(folder(t), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	next := func(want ...string) {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(patience))
		var buf [4096]byte
		for {
			n, err := conn.Read(buf[:])
			if err != nil {
				t.Fatalf("did not hear %q: %v", want, err)
			}
			if got := string(buf[:n]); !strings.HasPrefix(got, "WATCHDOG") && !strings.HasPrefix(got, "STATUS") {
				for _, line := range want {
					if !strings.Contains("\n"+got, "\n"+line) {
						t.Errorf("heard %q, want %q", got, want)
					}
				}
				return
			}
		}
	}
	r := prepare(t, settings{Linger: time.Millisecond})
	r.cmd.Env = append(r.cmd.Env, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=100000")
	r.start()
	next("READY=1", fmt.Sprintf("MAINPID=%d", r.pid()))
	r.signal(r.pid(), syscall.SIGHUP)
	next("RELOADING=1", "MONOTONIC_USEC=")
	next("READY=1")
	r.signal(r.pid(), syscall.SIGUSR2)
	successor := r.await("handed over", 0).Successor
	next("READY=1", fmt.Sprintf("MAINPID=%d", successor))
	r.exited(0)
	for { // the successor keeps the watchdog awake
		var buf [64]byte
		conn.SetReadDeadline(time.Now().Add(patience))
		if n, err := conn.Read(buf[:]); err != nil {
			t.Fatal(err)
		} else if string(buf[:n]) == "WATCHDOG=1" {
			break
		}
	}
	r.signal(successor, syscall.SIGTERM)
	next("STOPPING=1")
}
