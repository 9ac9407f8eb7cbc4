package wayleave

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

func TestA017LimiterLetsABurstThroughThenARate(t *testing.T) {
	l, now := newLimiter(2, 10), time.Now()
	count := func(name string, tries int) (let int) {
		for range tries {
			if l.allow(name, now) {
				let++
			}
		}
		return let
	}
	for _, step := range []struct {
		wait  time.Duration
		tries int
		want  int
	}{
		{0, 20, 10},
		{500 * time.Millisecond, 20, 1},
		{time.Second, 20, 2},
		{100 * time.Millisecond, 20, 0}, // a fifth of one
		{time.Hour, 20, 10},             // no more than the burst is saved up
		{-time.Minute, 20, 0},           // a clock that goes back gives nothing away
	} {
		now = now.Add(step.wait)
		if let := count("one", step.tries); let != step.want {
			t.Errorf("after %v: %d of %d, want %d", step.wait, let, step.tries, step.want)
		}
	}
	other := "other"
	for l.slot(other) == l.slot("one") { // one name in 8192 shares the bucket
		other += "-"
	}
	if let := count(other, 20); let != 10 {
		t.Errorf("another name: %d of 20, want 10", let)
	}
}

// TestA017ASlowRateStillLetsOneThrough: a rate below one in ten seconds is slow,
// and not nothing.
func TestA017ASlowRateStillLetsOneThrough(t *testing.T) {
	a, err := New(Config{BaseURL: "https://app.example", LoginRate: 0.05, Providers: []provider.Config{{Preset: provider.Google(), ClientID: "x", ClientSecret: oauth.NewSecret("y")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	now := time.Now()
	for _, step := range []struct {
		wait time.Duration
		want bool
	}{{0, true}, {time.Second, false}, {20 * time.Second, true}} {
		now = now.Add(step.wait)
		if got := a.byAddress.allow("one", now); got != step.want {
			t.Errorf("after %v: %v", step.wait, got)
		}
	}
}

// TestA017LimiterIsBounded: names share its memory, so that a flood of them
// costs nothing; nearly all of them are let through.
func TestA017LimiterIsBounded(t *testing.T) {
	l, now, refused := newLimiter(1, 20), time.Now(), 0
	for i := range 10_000 {
		if !l.allow(fmt.Sprint(i), now) {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("%d of 10000 names were refused because of others", refused)
	}
}

func TestA115WhoIsLimited(t *testing.T) {
	a := &Auth{cfg: Config{ClientAddress: peerAddress}}
	for remote, want := range map[string]string{
		"192.0.2.7:4711":                     "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:4711":        "2001:db8:1:2::/64", // what one subscriber has
		"[2001:db8:1:2::1]:80":               "2001:db8:1:2::/64",
		"[::ffff:192.0.2.7]:4711":            "::ffff:192.0.2.7",
		"[fe80::1%eth0]:80":                  "fe80::/64",
		"@":                                  "@",
		"":                                   "",
		"/run/app.sock":                      "/run/app.sock",
		"[2001:db8:1:2:ffff:ffff:ffff:ff]:1": "2001:db8:1:2::/64",
	} {
		if got := a.subscriber(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {"198.51.100.1"}}}); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
	// The same counts for an address that a proxy tells.
	a.cfg.ClientAddress = func(r *http.Request) string { return r.Header.Get("X-Forwarded-For") }
	for said, want := range map[string]string{"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "198.51.100.1": "198.51.100.1", "unix": "unix"} {
		if got := a.subscriber(&http.Request{Header: http.Header{"X-Forwarded-For": {said}}}); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}
