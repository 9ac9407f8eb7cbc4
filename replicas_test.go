package wayleave_test

import (
	"net/http"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/store"
)

// shared is a store that several processes use.
type shared struct{ store.Store }

func (shared) SingleProcess() bool { return false }
func (shared) Close() error        { return nil }

// replicas starts two apps that answer for the same address.
func replicas(t *testing.T) (one, two *app) {
	one = newDirectApp(t, newIDP(t), "http://localhost:8000", func(c *wayleave.Config) { c.Store = shared{c.Store} })
	two = newDirectApp(t, one.idp, one.base, func(c *wayleave.Config) { c.Store, c.Keys = one.cfg.Store, one.cfg.Keys })
	return one, two
}

// TestA011OneCallbackAtTwoReplicas at the same instant, many times.
func TestA011OneCallbackAtTwoReplicas(t *testing.T) {
	one, two := replicas(t)
	b := one.browser()
	callback := b.callback("/wanted")
	var answers []<-chan answer
	for i := range 60 {
		b.a = []*app{one, two}[i%2]
		answers = append(answers, b.deliver(t.Context(), callback))
	}
	ids := map[string]bool{}
	for _, c := range answers {
		at, ok := <-c
		if !ok || at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != "/wanted" {
			t.Fatalf("answer %+v, want 303 to /wanted", at.Response)
		}
		for _, c := range at.Cookies() {
			if shortName(c.Name) == "session" {
				ids[c.Value] = true
			}
		}
	}
	if n := one.idp.Count("token"); n != 1 || len(ids) != 1 || one.store.Len("session") != 1 {
		t.Errorf("%d token requests, %d session cookies, %d sessions; want one of each", n, len(ids), one.store.Len("session"))
	}
}

// TestA011ReplicasAreEqual: begun at one, completed at the other, signed in at
// both; and neither minds that the other was restarted.
func TestA011ReplicasAreEqual(t *testing.T) {
	one, two := replicas(t)
	b := one.browser()
	callback := b.callback("/wanted")
	one.serve(one.cfg)
	b.client.Transport = two.wire
	b.finish(callback)
	for _, a := range []*app{one, two} {
		b.client.Transport = a.wire
		if b.user() == "" {
			t.Error("not signed in")
		}
	}
	b.client.Transport = two.wire
	b.fetch("POST", "/auth/logout")
	b.client.Transport = one.wire
	if b.user() != "" {
		t.Error("signed out at one, and still signed in at the other")
	}
}

// TestA011ProviderDownAtTheOtherReplica, which has not read its metadata yet:
// nothing is used up, and a reload works.
func TestA011ProviderDownAtTheOtherReplica(t *testing.T) {
	one, two := replicas(t)
	b := one.browser()
	callback := b.callback("/wanted")
	b.client.Transport = two.wire
	one.idp.SetFaults("discovery-500")
	checkPage(t, b.open(callback), "503 Dev does not answer")
	one.idp.SetFaults()
	b.client.Transport = one.wire
	if got := b.finish(callback); got.body != "Hello Ada Marsh at /wanted" {
		t.Errorf("reload ended with %q", got.body)
	}
}
