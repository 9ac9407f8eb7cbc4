package serving

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// The environment variables by which sockets are passed: the first one is ours,
// the others are those of sd_listen_fds(3).
const (
	envPredecessor = "WAYLEAVE_PREDECESSOR"
	envListenPID   = "LISTEN_PID"
	envListenFDs   = "LISTEN_FDS"
	envListenNames = "LISTEN_FDNAMES"
)

// firstFD is the first descriptor behind the standard input, output and error.
const firstFD = 3

// legacy is what a process passes to its successor. Its descriptors begin at
// firstFD: one to tell the predecessor, one to hear it, and then the sockets.
type legacy struct {
	Sockets []struct{ Network, Address string }
}

// inherit takes what a predecessor or the service manager has passed to us, and
// keeps our own children from taking it for theirs.
func inherit() (*sockets, *predecessor, error) {
	passed, listenPID := os.Getenv(envPredecessor), os.Getenv(envListenPID)
	count, names := os.Getenv(envListenFDs), os.Getenv(envListenNames)
	for _, name := range []string{envPredecessor, envListenPID, envListenFDs, envListenNames} {
		os.Unsetenv(name)
	}
	s := &sockets{}
	switch {
	case passed != "":
		var l legacy
		if err := json.Unmarshal([]byte(passed), &l); err != nil {
			return nil, nil, fmt.Errorf("environment variable %s: want what a predecessor sets, got something else: %w", envPredecessor, err)
		}
		for i, from := range l.Sockets {
			s.held = append(s.held, &socket{network: from.Network, address: from.Address, spare: descriptor(firstFD + 2 + i)})
		}
		return s, newPredecessor(descriptor(firstFD), descriptor(firstFD+1)), nil
	case listenPID == strconv.Itoa(os.Getpid()):
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 {
			return nil, nil, fmt.Errorf("environment variable %s: want a number, got %q", envListenFDs, count)
		}
		all := strings.Split(names, ":")
		for i := range n {
			name := "unknown" // as systemd says where there is none
			if names != "" && i < len(all) {
				name = all[i]
			}
			if s.find(Endpoint{Network: "systemd", Address: name}) != nil {
				return nil, nil, errors.New("two sockets with the name " + name + " were passed to us: give each its own unit, and FileDescriptorName in it")
			}
			s.held = append(s.held, &socket{network: "systemd", address: name, spare: descriptor(firstFD + i)})
		}
	}
	return s, nil, nil
}

func descriptor(fd int) *os.File {
	closeOnExec(fd)
	return os.NewFile(uintptr(fd), "passed "+strconv.Itoa(fd))
}
