package replicas_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/keyfile"
)

// TestSES14_A164_KeyRotation takes the two steps of a rotation under people who
// are signed in, each with all processes replaced one by one, and then drops the
// old key. Nobody notices, and what only the old key could open is gone.
func TestSES14_A164_KeyRotation(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db database) {
		t.Parallel()
		f := newFleet(newIDP(t, people(regulars+2)), db)
		f.idp.claim(soonDue)
		old := filepath.Join(t.TempDir(), "keys")
		text, err := os.ReadFile(f.keys)
		if err == nil {
			err = os.WriteFile(old, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		b := &balancer{f: f, live: f.start(t, 2)}
		l := newLoad(t, f, regulars, b.pick)
		defer l.stop() // before the replicas
		slow := l.regular[0]
		l.await()
		for range long(1, 10) {
			b.rotate(t, l, slow)
		}
		l.settle(t, b.live)
		if l.unavailable > 0 {
			t.Errorf("%d requests got 503", l.unavailable)
		}
		f.idp.wantUsedOnce(t)
		f.keys = old
		if r, err := f.launch(t, f.store); err == nil {
			r.stop()
			t.Error("the old key still opens the store")
		} else if !strings.Contains(err.Error(), "sealed with other keys than the configured ones") {
			t.Error(err)
		}
	})
}

func (b *balancer) rotate(t *testing.T, l *load, slow *browser) {
	t.Helper()
	step := func(what string, change func(*keyfile.File) error) {
		t.Helper()
		if err := keyfile.Update(b.f.keys, change); err != nil {
			t.Fatal(err)
		}
		for i := range b.live {
			b.replace(t, i, slow)
			l.await()
		}
	}
	var before, after keyfile.Entry
	step("add", func(f *keyfile.File) error {
		before, after = f.Entries()[0], f.Add(time.Now())
		return nil
	})
	step("promote", func(f *keyfile.File) error { return f.Promote(after.ID, time.Now()) })
	began := time.Now()
	for _, r := range b.live {
		until(t, "sealed with the new key", func() bool { return r.sealedBy(t, before.ID.String()) == 0 })
	}
	t.Logf("all is sealed with the new key %v after the last process knew it", time.Since(began).Round(time.Millisecond))
	step("drop", func(f *keyfile.File) error { return f.Drop(before.ID) })
}

// balancer sends requests to replicas in turn.
type balancer struct {
	f    *fleet
	mu   sync.Mutex
	next int
	live []*replica
	busy map[*replica]int
}

func (b *balancer) pick() (at *replica, done func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	at = b.live[b.next%len(b.live)]
	if b.busy == nil {
		b.busy = map[*replica]int{}
	}
	b.busy[at]++
	return at, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.busy[at]--
	}
}

// replace puts a new process in the place of one that is told to end while it
// still answers a request.
func (b *balancer) replace(t *testing.T, i int, slow *browser) {
	t.Helper()
	fresh := b.f.start(t, 1)[0]
	old := b.live[i]
	finish := underWay(t, slow, old)
	b.mu.Lock()
	b.live[i] = fresh
	b.mu.Unlock()
	until(t, "out of the way", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.busy[old] == 0
	})
	old.cmd.Process.Signal(syscall.SIGTERM)
	until(t, "closed to new requests", func() bool {
		c, err := net.Dial("unix", old.path)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	finish()
	old.stop()
}

// underWay begins a request that ends well after finish.
func underWay(t *testing.T, b *browser, at *replica) (finish func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "go-on")
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, baseURL+"/slow?file="+url.QueryEscape(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Jar: b.jar, Transport: at.wire}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body := bufio.NewReader(resp.Body)
	if line, err := body.ReadString('\n'); line != "begun\n" {
		t.Fatalf("the slow request began with %q, error %v", line, err)
	}
	return func() {
		t.Helper()
		defer resp.Body.Close()
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(body); string(rest) != "200 <nil>\n" || err != nil {
			t.Errorf("the slow request ended with %q, error %v", rest, err)
		}
	}
}

// sealedBy returns how many records a key seals; -1 while the replica is at it.
func (r *replica) sealedBy(t *testing.T, id string) int {
	t.Helper()
	resp, err := r.admin.Get("http://admin/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var said struct {
		Keys []struct {
			ID      string
			Records int
		}
		Resealing struct{ Running bool }
	}
	if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	for _, k := range said.Keys {
		if k.ID == id && !said.Resealing.Running {
			return k.Records
		}
	}
	return -1
}
