package serving

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// manager tells a service manager how we are, as sd_notify(3) describes. Without
// one it does nothing. What cannot be told is dropped: nothing depends on it.
type manager struct {
	socket string
	awake  time.Duration // how often it wants to hear; 0: never
}

// serviceManager reads the environment. The process id in it is that of the first
// process of a row, so a successor does not look at it.
func serviceManager(successor bool) manager {
	m := manager{socket: os.Getenv("NOTIFY_SOCKET")}
	if pid := os.Getenv("WATCHDOG_PID"); successor || pid == "" || pid == strconv.Itoa(os.Getpid()) {
		if µs, err := strconv.Atoi(os.Getenv("WATCHDOG_USEC")); err == nil && µs > 0 {
			m.awake = time.Duration(µs) * time.Microsecond / 2
		}
	}
	return m
}

func (m manager) tell(lines ...string) {
	if m.socket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	conn.Write([]byte(strings.Join(lines, "\n")))
}

func (m manager) reloading() {
	if now, ok := monotonic(); ok {
		m.tell("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Microseconds()))
	}
}

// keepAwake answers the watchdog until the returned function is called.
func (m manager) keepAwake() (stop func()) {
	if m.socket == "" || m.awake == 0 {
		return func() {}
	}
	stopped := make(chan struct{})
	go func() {
		tick := time.NewTicker(m.awake)
		defer tick.Stop()
		for {
			m.tell("WATCHDOG=1")
			select {
			case <-tick.C:
			case <-stopped:
				return
			}
		}
	}()
	return func() { close(stopped) }
}
