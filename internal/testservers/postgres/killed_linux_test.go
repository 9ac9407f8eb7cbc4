package postgres_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers/postgres"
)

// A test binary that is killed takes its server with it.
func TestServerEndsWithItsTests(t *testing.T) {
	if os.Getenv("TEST_TO_BE_KILLED") != "" {
		s := postgres.Start(t, postgres.Options{})
		fmt.Println("started in", s.Dir())
		select {}
	}
	shared.Server(t) // or skip
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestServerEndsWithItsTests$")
	cmd.Env = append(os.Environ(), "TEST_TO_BE_KILLED=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	dir, ok := strings.CutPrefix(strings.TrimSpace(line), "started in ")
	if err != nil || !ok {
		t.Fatalf("the other test said %q, error %v", line, err)
	}
	defer os.RemoveAll(dir)
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.Split(string(text), "\n")[0])
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil || info.Sys().(*syscall.Stat_t).Uid == 0 {
		t.Errorf("the server runs as root or not at all: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); syscall.Kill(pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); strings.Contains(string(state), ") Z ") {
			break // ended, and nobody has asked how
		}
		if time.Now().After(deadline) {
			t.Fatal("the server goes on without its tests")
		}
	}
}
