package embedded_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

const sessions = store.Table("session")

// key scatters, as the hashes do that callers use for keys.
func key(n int) (k store.Key) {
	for i := range 4 {
		x := uint64(n)*4 + uint64(i) + 1
		x *= 0x9e3779b97f4a7c15
		x ^= x >> 29
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 32
		binary.LittleEndian.PutUint64(k[8*i:], x)
	}
	return k
}

func record(value string, lookups ...store.Key) store.Record {
	return store.Record{Value: []byte(value), Expires: time.Now().Add(time.Hour), Lookups: lookups}
}

func newPath(tb testing.TB) string { return filepath.Join(tb.TempDir(), "store.db") }

// inMemory returns the path for a store where the disk is not the point.
func inMemory(tb testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "embedded-")
	if err != nil {
		return newPath(tb)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "store.db")
}

func open(tb testing.TB, path string) *embedded.Store {
	tb.Helper()
	s, err := embedded.Open(path, embedded.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

func closed(t *testing.T, s *embedded.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func create(tb testing.TB, s *embedded.Store, n int, rec store.Record) store.Version {
	tb.Helper()
	v, err := s.Create(tb.Context(), sessions, key(n), rec)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// wantValue checks what is found under the key; "" is for nothing.
func wantValue(t *testing.T, s *embedded.Store, n int, value string) {
	t.Helper()
	rec, _, found, err := s.Get(t.Context(), sessions, key(n))
	if err != nil || found != (value != "") || string(rec.Value) != value {
		t.Errorf("record %d: value %.20q, found %t, error %v; want value %.20q", n, rec.Value, found, err, value)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

func wantCure(t *testing.T, err error, cure string) {
	t.Helper()
	if !strings.Contains(err.Error(), cure) {
		t.Errorf("error is %q, want the cure %q in it", err, cure)
	}
}

func wantContents(t *testing.T, s *embedded.Store, rows, links, due int) {
	t.Helper()
	r, l, d, err := s.Contents()
	if err != nil || r != rows || l != links || d != due {
		t.Fatalf("the file has %d rows, %d links, %d due, error %v; want %d, %d, %d", r, l, d, err, rows, links, due)
	}
}

// The test binary is also the second process that some tests need.
func TestMain(m *testing.M) {
	path := os.Getenv("WAYLEAVE_TEST_STORE")
	switch os.Getenv("WAYLEAVE_TEST_CHILD") {
	case "":
		os.Exit(m.Run())
	case "open":
		_, err := embedded.Open(path, embedded.Options{Wait: time.Millisecond})
		fmt.Println(err)
	case "crowd":
		crowd(path)
	}
}

// child starts this binary as another process and returns its output line by line.
func child(t *testing.T, what, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "WAYLEAVE_TEST_CHILD="+what, "WAYLEAVE_TEST_STORE="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}
