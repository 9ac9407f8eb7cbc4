package oauth_test

import (
	"bytes"
	"math/bits"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/oauth"
)

func sealer(t testing.TB, base string, keys ...[]byte) *oauth.Sealer {
	t.Helper()
	s, err := oauth.NewSealer(base, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAStateBringsBackWhatWasSealed(t *testing.T) {
	s := sealer(t, "https://app.example", testKey())
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringN(0, 60, 200)
		p := oauth.Pending{
			Provider: text.Draw(r, "provider"), Started: time.Unix(rapid.Int64Range(0, 1<<39).Draw(r, "started"), 0),
			Attempt: rapid.IntRange(0, 255).Draw(r, "attempt"), ReturnTo: text.Draw(r, "return"),
			ReturnElsewhere: rapid.Bool().Draw(r, "elsewhere"), Process: rapid.Uint64().Draw(r, "process"),
			Intent: oauth.Intent(rapid.IntRange(0, 3).Draw(r, "intent")), MaxAge: -1,
		}
		if p.Intent != oauth.SignIn {
			p.Person = text.Draw(r, "person")
			copy(p.Session[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "session"))
		}
		if rapid.Bool().Draw(r, "max age") {
			p.MaxAge = time.Duration(rapid.IntRange(0, 1<<30).Draw(r, "seconds")) * time.Second
		}
		p.ACRValues = rapid.SliceOfN(text, 0, 3).Draw(r, "acr")
		copy(p.Browser[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "browser"))
		begun := s.Begin(p)
		if len(begun.State()) != oauth.StateLen(p) {
			r.Fatalf("StateLen says %d, the state has %d", oauth.StateLen(p), len(begun.State()))
		}
		l, err := s.Open(begun.State())
		if err != nil {
			r.Fatal(err)
		}
		if l.Provider != p.Provider || !l.Started.Equal(p.Started) || l.Attempt != p.Attempt || l.ReturnTo != p.ReturnTo ||
			l.ReturnElsewhere != p.ReturnElsewhere || l.Process != p.Process || l.Intent != p.Intent || l.Person != p.Person ||
			l.Session != p.Session || l.MaxAge != p.MaxAge || strings.Join(l.ACRValues, "\x00") != strings.Join(p.ACRValues, "\x00") || l.Browser != p.Browser {
			r.Fatalf("got %+v, want %+v", l.Pending, p)
		}
		if l.ID() != begun.ID() || l.Random() != begun.Random() {
			r.Fatal("the login has another id when it is opened")
		}
	})
}

func TestA004_StatesThatDoNotOpen(t *testing.T) {
	key := testKey()
	s := sealer(t, "https://app.example", key)
	good := s.Begin(oauth.Pending{MaxAge: -1, ReturnTo: "/a"}).State()
	foreign := sealer(t, "https://app.example", testKey()).Begin(oauth.Pending{MaxAge: -1}).State()
	elsewhere := sealer(t, "https://other.example", key).Begin(oauth.Pending{MaxAge: -1}).State()
	if _, err := s.Open(good); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ state, text string }{
		"empty":            {"", "state: the callback carries no state (expected a state, got nothing); sign in again"},
		"a megabyte":       {strings.Repeat("A", 1<<20), "state: the state is too long (expected a state that this app has sealed, got one that it has not); sign in again"},
		"not base64url":    {"å" + good[1:], ""},
		"a prefix":         {good[:len(good)-4], ""},
		"a suffix more":    {good + "AAAA", ""},
		"case changed":     {strings.ToLower(good), ""},
		"with padding":     {good + "=", ""},
		"another key":      {foreign, ""},
		"A162 another app": {elsewhere, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Open(tc.state)
			wantCheck(t, err, oauth.CheckState, oauth.FaultBrowser, tc.text)
			if tc.state != "" && len(tc.state) < 100 && strings.Contains(err.Error(), tc.state) {
				t.Error("the error repeats the state")
			}
		})
	}
}

func TestA160_EveryChangedCharacterIsNoticed(t *testing.T) {
	s := sealer(t, "https://app.example", testKey())
	good := []byte(s.Begin(oauth.Pending{MaxAge: -1, ReturnTo: "/some/page"}).State())
	for i := range good {
		changed := bytes.Clone(good)
		changed[i] ^= 1
		if _, err := s.Open(string(changed)); err == nil {
			t.Errorf("byte %d changed, and the state opens", i)
		}
	}
}

func TestA164_OldKeysOpenAndTheFirstSeals(t *testing.T) {
	old, new := testKey(), testKey()
	before := sealer(t, "https://app.example", old)
	during := sealer(t, "https://app.example", new, old)
	after := sealer(t, "https://app.example", new)
	state := before.Begin(oauth.Pending{MaxAge: -1}).State()
	if _, err := during.Open(state); err != nil {
		t.Errorf("with the old key listed: %v", err)
	}
	_, err := after.Open(state)
	wantCheck(t, err, oauth.CheckState, oauth.FaultBrowser, "")
	if _, err := after.Open(during.Begin(oauth.Pending{MaxAge: -1}).State()); err != nil {
		t.Errorf("the new key did not seal: %v", err)
	}
}

func TestAZR04_EveryLoginHasValuesOfItsOwn(t *testing.T) {
	f := newFake(t)
	seen := map[string]bool{}
	fl := f.begin()
	for range 2000 {
		l := fl.sealer.Begin(fl.c.Pending())
		raw, err := fl.c.Authorize(t.Context(), l, oauth.Hints{})
		if err != nil {
			t.Fatal(err)
		}
		q := parse(t, raw).Query()
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			v := q.Get(name)
			if v == "" || seen[v] {
				t.Fatalf("%s %q is empty or came before", name, v)
			}
			seen[v] = true
		}
		if n := len(q.Get("nonce")); n > 64 || n < 22 {
			t.Fatalf("AZR-06: nonce of %d characters", n)
		}
	}
	// Half of all bits differ between the first bytes of any two nonces.
	var differ, total int
	var last byte
	for v := range seen {
		differ += bits.OnesCount8(v[len(v)/2] ^ last)
		total += 6
		last = v[len(v)/2]
	}
	if share := float64(differ) / float64(total); share < 0.3 || share > 0.7 {
		t.Errorf("%.2f of the bits differ", share)
	}
}

func TestAZR10_NothingCanBeReadFromTheState(t *testing.T) {
	s := sealer(t, "https://app.example", testKey())
	a := s.Begin(oauth.Pending{MaxAge: -1, ReturnTo: "/private/page"}).State()
	b := s.Begin(oauth.Pending{MaxAge: -1, ReturnTo: "/private/page"}).State()
	if a == b || strings.Contains(a, "private") {
		t.Error("states of the same login data are alike, or readable")
	}
}

func TestA019_AgeOfALogin(t *testing.T) {
	now := time.Now()
	at := func(age time.Duration) *oauth.Login {
		s := sealer(t, "https://app.example", testKey())
		return s.Begin(oauth.Pending{MaxAge: -1, Started: now.Add(-age)})
	}
	for age, text := range map[time.Duration]string{
		0:                                 "",
		oauth.StateLifetime:               "",
		oauth.StateLifetime + time.Second: "state-age: the login took too long (expected at most 10m0s, got 10m1s); sign in again",
		-time.Minute:                      "",
		-2 * time.Minute:                  "state-age: the login begins in the future (expected a time before now, got 2m0s ahead); set the clocks of all machines that serve this app",
	} {
		err := at(age).CheckAge(now)
		if text == "" && err != nil {
			t.Errorf("age %v: %v", age, err)
		}
		if text != "" {
			wantCheck(t, err, oauth.CheckStateAge, oauth.FaultBrowser, text)
		}
	}
}

func TestA002_BelongsToOneBrowser(t *testing.T) {
	s := sealer(t, "https://app.example", testKey())
	l := s.Begin(oauth.Pending{MaxAge: -1, Browser: oauth.HashBrowser("cookie-1")})
	if !l.BelongsTo(oauth.HashBrowser("cookie-1")) || l.BelongsTo(oauth.HashBrowser("cookie-2")) || l.BelongsTo(oauth.HashBrowser("")) || l.BelongsTo(oauth.BrowserHash{}) {
		t.Error("belongs to the wrong browser")
	}
}

func FuzzOpenState(f *testing.F) {
	s := sealer(f, "https://app.example", bytes.Repeat([]byte{7}, 32))
	f.Add(s.Begin(oauth.Pending{MaxAge: -1, ReturnTo: "/x"}).State())
	f.Fuzz(func(t *testing.T, state string) {
		l, err := s.Open(state)
		if (l == nil) == (err == nil) {
			t.Fatalf("login %v and error %v", l, err)
		}
	})
}

func BenchmarkBeginAndAuthorize(b *testing.B) {
	f := newFake(b)
	fl := f.begin()
	p := fl.c.Pending()
	p.ReturnTo = "/reports/2026?month=11"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fl.c.Authorize(b.Context(), fl.sealer.Begin(p), oauth.Hints{}); err != nil {
			b.Fatal(err)
		}
	}
}
