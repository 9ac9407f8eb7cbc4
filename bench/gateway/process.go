//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wayleave/wayleave/internal/testservers"
)

// The machine is shared so that what is measured has a core to itself.
const (
	servingCore = "0"
	loadCore    = "1" // with the app behind and the provider
)

// child is a program that runs for the measurement.
type child struct {
	testservers.Process
	name string
}

// start runs a program on one core, as another user if who is not nil, with what
// it prints in a file, and waits until it takes connections.
func (b *bench) start(who *syscall.Credential, core, name, address string, argv ...string) (*child, error) {
	cmd := exec.Command("taskset", append([]string{"-c", core}, argv...)...)
	cmd.Dir = b.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Credential: who}
	c := &child{name: name}
	c.Log = filepath.Join(b.dir, name+".log")
	_ = os.Remove(c.Log) // of an earlier round
	if err := b.launch(c, cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && c.Running(); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			return c, conn.Close()
		}
	}
	return nil, errors.Join(fmt.Errorf("%s does not take connections at %s", name, address), c.said())
}

func (b *bench) launch(c *child, cmd *exec.Cmd) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return errors.New("the run was stopped")
	}
	b.children = append(b.children, c)
	return c.Launch(cmd)
}

// said is what the child printed at last.
func (c *child) said() error {
	text := c.Tail()
	return fmt.Errorf("%s said at last:\n%s", c.name, text[max(0, len(text)-2000):])
}

// free is an address at which nobody listens.
func free() (string, error) {
	port, err := testservers.FreePort(20000)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}

// processorTime is what processes, and those that they started, have used.
func processorTime(pids []int) (all time.Duration) {
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	parents := map[int]int{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
		_, rest, _ := strings.Cut(string(text), ") ") // the name before it may hold spaces
		parents[pid], _ = strconv.Atoi(strings.Fields(rest)[1])
	}
	for pid := range parents {
		for at := pid; at > 1; at = parents[at] {
			if slices.Contains(pids, at) {
				// clock_getcpuclockid(3): exact, where /proc counts hundredths of a second.
				var used unix.Timespec
				if unix.ClockGettime(int32(^pid<<3|2), &used) == nil {
					all += time.Duration(used.Nano())
				}
				break
			}
		}
	}
	return all
}

// resident is a process's memory in megabytes.
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb / 1024, err
}

// busy is how long the two cores have worked, for whomever.
func busy() (all time.Duration) {
	text, _ := os.ReadFile("/proc/stat")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if fields[0] != "cpu"+servingCore && fields[0] != "cpu"+loadCore {
			continue
		}
		for i, field := range fields[1:9] {
			if n, err := strconv.Atoi(field); err == nil && i != 3 && i != 4 { // neither idle nor waiting
				all += time.Duration(n) * 10 * time.Millisecond // ticks, of which Linux tells 100 a second
			}
		}
	}
	return all
}
