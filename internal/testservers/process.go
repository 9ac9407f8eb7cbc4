package testservers

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// patience is how long a server may take to end on a busy machine.
const patience = time.Minute

// Process is a server's, with what it prints in the file Log. The zero Process
// is one that does not run. Its methods must not be called at the same time.
type Process struct {
	Log string

	name    string
	process *os.Process
	ended   chan struct{} // closed when process has ended
}

// Launch starts the server. Whether it is ready is for the caller to find out.
//
// cmd should ask the kernel for a signal when its parent is gone
// (syscall.SysProcAttr.Pdeathsig), so that the server does not survive a test
// binary that was killed. The kernel means the thread that started it: that is
// kept for it.
func (p *Process) Launch(cmd *exec.Cmd) error {
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	p.name, p.process, p.ended = filepath.Base(cmd.Path), cmd.Process, ended
	return nil
}

// Ended is closed when the server has ended, whatever the cause.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Pid is the process id of the server that was launched last.
func (p *Process) Pid() int { return p.process.Pid }

// Signal sends the server a signal. One that has ended gets none.
func (p *Process) Signal(what syscall.Signal) error {
	if err := p.process.Signal(what); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// End sends the server a signal and returns when it has ended.
func (p *Process) End(how syscall.Signal) error {
	if !p.Running() {
		return nil
	}
	p.process.Signal(how)
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		p.process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end within %v of signal %v", p.name, patience, how)
	}
}

// Running reports whether the server has not ended.
func (p *Process) Running() bool {
	if p.process == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Tail is the end of what the server has printed.
func (p *Process) Tail() []byte {
	text, _ := os.ReadFile(p.Log)
	lines := bytes.SplitAfter(text, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-30):], nil)
}

// givenPorts are not given twice: between two looks nobody may listen yet.
var givenPorts sync.Map

// FreePort is a port of 127.0.0.1 from low up, of ten thousand, on which nobody
// listens at the moment. Keep below 32768, from where systems choose themselves:
// then it is still free when a stopped server starts again.
func FreePort(low int) (int, error) {
	for range 100 {
		port := low + rand.IntN(10000)
		if _, given := givenPorts.LoadOrStore(port, true); given {
			continue
		}
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, ln.Close()
		}
	}
	return 0, fmt.Errorf("no port between %d and %d is free", low, low+10000)
}
