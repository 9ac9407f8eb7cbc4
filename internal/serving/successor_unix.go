//go:build unix

package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// stepTime is how long a successor may take to check its configuration, and
// again to open what it needs.
const stepTime = 30 * time.Second

// successor is the process that takes over from us.
type successor struct {
	cmd      *exec.Cmd
	tells    *os.File
	messages chan message // closed when it says no more
	ended    chan struct{}
}

// start starts it with our arguments, our environment and our sockets.
func start(binary string, s *sockets) (*successor, error) {
	if binary == "" {
		return nil, errors.New("cannot tell which file this program was started from")
	}
	hears, theirTells, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	theirHears, tells, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, hears.Close(), theirTells.Close())
	}
	defer theirTells.Close()
	defer theirHears.Close()

	cmd := exec.Command(binary, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{theirTells, theirHears}
	var l legacy
	for _, h := range s.held {
		l.Sockets = append(l.Sockets, struct{ Network, Address string }{h.network, h.address})
		cmd.ExtraFiles = append(cmd.ExtraFiles, h.spare)
	}
	passed, err := json.Marshal(l)
	if err == nil {
		cmd.Env = append(os.Environ(), envPredecessor+"="+string(passed))
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, hears.Close(), tells.Close())
	}
	n := &successor{cmd: cmd, tells: tells, messages: make(chan message), ended: make(chan struct{})}
	go n.listen(hears)
	return n, nil
}

func (n *successor) listen(from *os.File) {
	defer from.Close()
	defer close(n.messages)
	for d := json.NewDecoder(from); ; {
		var m message
		if d.Decode(&m) != nil {
			break
		}
		select {
		case n.messages <- m:
		case <-n.ended: // nobody listens any more
		}
	}
}

func (n *successor) pid() int { return n.cmd.Process.Pid }

// await waits for the successor to say that it has come to a state.
func (n *successor) await(ctx context.Context, state string) (message, error) {
	late := time.NewTimer(stepTime)
	defer late.Stop()
	select {
	case m, ok := <-n.messages:
		switch {
		case !ok:
			return m, errors.New("the successor ended, or does not know how to take over: see what it printed")
		case m.State != state:
			return m, fmt.Errorf("the successor could not start: %s", strings.TrimSpace(m.Error))
		}
		return m, nil
	case <-late.C:
		return message{}, fmt.Errorf("the successor was not %s after %v", state, stepTime)
	case <-ctx.Done():
		return message{}, errors.New("interrupted")
	}
}

// proceed tells it that it may open what it needs, and waits until it serves.
func (n *successor) proceed(ctx context.Context) error {
	if _, err := n.tells.Write([]byte{'\n'}); err != nil {
		return errors.New("the successor ended while it waited: see what it printed")
	}
	_, err := n.await(ctx, "serving")
	return err
}

// kill ends it. It holds nothing then, and nobody waits for its answers.
func (n *successor) kill() {
	n.cmd.Process.Kill()
	n.cmd.Wait()
	close(n.ended)
	n.tells.Close()
}

// duplicate is another handle to the socket. The method File of listeners gives
// one, too, that makes the socket a blocking one as soon as it is passed on, for
// us as well: nothing could end an Accept any more.
func duplicate(ln net.Listener) (*os.File, error) {
	conn, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var dupErr error
	err = conn.Control(func(from uintptr) {
		syscall.ForkLock.RLock() // no child may get it by chance
		defer syscall.ForkLock.RUnlock()
		if fd, dupErr = syscall.Dup(int(from)); dupErr == nil {
			syscall.CloseOnExec(fd)
		}
	})
	if err = errors.Join(err, dupErr); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), ln.Addr().String()), nil
}

func closeOnExec(fd int) { syscall.CloseOnExec(fd) }
