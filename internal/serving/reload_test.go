//go:build unix

package serving_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReload(t *testing.T) {
	s := settings{Word: "one"}
	r := run(t, s)
	address := r.address("app")
	c := client(t, "tcp", address)
	says := func(want string) {
		t.Helper()
		if _, got, _ := get(t, c, "http://"+address+"/word"); got != want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
	says("one")

	// A change of the file is noticed.
	after := r.count()
	s.Word = "two"
	r.set(s)
	if got := r.await("reloaded", after); got.Why != "file" {
		t.Errorf("why: %s", got.Why)
	}
	says("two")

	// What is refused is told of, and changes nothing.
	after = r.count()
	r.set(settings{Word: "three", Invalid: true})
	if got := r.await("reload failed, the old configuration stays", after); got.Error != "listen: this is no address" {
		t.Errorf("error: %s", got.Error)
	}
	says("two")

	// A signal reads it again, changed or not.
	s.Word = "four"
	r.set(s)
	after = r.count()
	r.signal(r.pid(), syscall.SIGHUP)
	r.await("reloaded", after)
	says("four")
	r.signal(r.pid(), syscall.SIGTERM)
	r.exited(0)
}

// Kubernetes mounts ..data/settings through two links, and swaps the one in the
// middle.
func TestReload_FollowsASwapOfLinks(t *testing.T) {
	dir := t.TempDir()
	r := prepare(t, settings{Word: "one"})
	version := func(name, word string) {
		t.Helper()
		r.set(settings{Word: word})
		text, err := os.ReadFile(r.path)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			os.Mkdir(filepath.Join(dir, name), 0o700),
			os.WriteFile(filepath.Join(dir, name, "settings"), text, 0o600),
			os.Symlink(name, filepath.Join(dir, "..new")),
			os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	version("v1", "one")
	mounted := filepath.Join(dir, "settings")
	if err := os.Symlink("..data/settings", mounted); err != nil {
		t.Fatal(err)
	}
	for i, entry := range r.cmd.Env {
		if strings.HasPrefix(entry, envSettings+"=") {
			r.cmd.Env[i] = envSettings + "=" + mounted
		}
	}
	r.start()
	address := r.address("app")
	version("v2", "two")
	r.await("reloaded", 0)
	if _, got, _ := get(t, client(t, "tcp", address), "http://"+address+"/word"); got != "two" {
		t.Errorf("says %q", got)
	}
}
