package session_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
)

func TestASessionIsFoundAsItWasMade(t *testing.T) {
	b := newBench(t)
	want := ada()
	want.Login, want.Grant, want.ACR, want.AMR, want.ProviderSession = "login-1", store.Key{1, 2}, "gold", []string{"pwd", "otp"}, "sid-1"
	want.Picture, want.AuthTime = "https://images.example/ada", time.Unix(1_700_000_000, 0)
	id, made := b.create(want)
	for name, m := range map[string]*session.Manager{"in this process": b.Manager, "in another": b.replica()} {
		for range 2 { // out of the record, and remembered
			got := wantAlive(t, m, id, "ada")
			for what, at := range map[string][2]time.Time{"Created": {got.Created, made.Created}, "Expires": {got.Expires, made.Expires}, "LastSeen": {got.LastSeen, made.LastSeen}} {
				if d := at[1].Sub(at[0]); d < 0 || d >= time.Millisecond {
					t.Errorf("%s: %s is %v, was %v", name, what, at[0], at[1])
				}
			}
			if got.Key() != made.Key() {
				t.Errorf("%s: key %v, want %v", name, got.Key(), made.Key())
			}
			plain := session.Session{User: got.User, Login: got.Login, Grant: got.Grant, AuthTime: got.AuthTime, ACR: got.ACR, AMR: got.AMR, ProviderSession: got.ProviderSession}
			if !reflect.DeepEqual(plain, want) {
				t.Errorf("%s: %+v, want %+v", name, plain, want)
			}
		}
	}
}

func TestSES11_CreateSetsTheTimes(t *testing.T) {
	b := newBench(t)
	s := ada()
	s.Created, s.LastSeen, s.Expires = time.Unix(1, 0), time.Unix(2, 0), time.Now().Add(1000*time.Hour)
	_, made := b.create(s)
	if since := time.Since(made.Created); since < 0 || since > time.Minute || !made.LastSeen.Equal(made.Created) || made.Expires.Sub(made.Created) != life.Absolute {
		t.Errorf("created %v, seen %v, expires %v", made.Created, made.LastSeen, made.Expires)
	}
}

func TestSES01_EachLoginGetsANewID(t *testing.T) {
	b := newBench(t)
	seen := map[string]bool{}
	for range 100 {
		id, _ := b.create(ada())
		raw, err := base64.RawURLEncoding.Strict().DecodeString(id)
		if err != nil || len(raw) != 32 || seen[id] {
			t.Fatalf("id of %d bytes, %v, seen before: %v", len(raw), err, seen[id])
		}
		seen[id] = true
	}
	for id := range seen {
		wantAlive(t, b.Manager, id, "ada")
	}
}

func TestSES06_WhatIsNoIDIsNoSession(t *testing.T) {
	b := newBench(t)
	id, made := b.create(ada())
	wantAlive(t, b.Manager, id, "ada")
	key := made.Key()
	cases := map[string]string{
		"nothing":                        "",
		"one character less":             id[:42],
		"one character more":             id + "A",
		"a byte less":                    base64.RawURLEncoding.EncodeToString(make([]byte, 31)),
		"a byte more":                    base64.RawURLEncoding.EncodeToString(make([]byte, 33)),
		"padding":                        id + "=",
		"padding in place":               id[:42] + "=",
		"an unknown id":                  strings.Repeat("A", 43),
		"another character":              swap(id, 10),
		"the other case":                 otherCase(id),
		"a blank before":                 " " + id,
		"a blank after":                  id + " ",
		"a blank inside":                 id[:20] + " " + id[21:],
		"a line feed inside":             id[:20] + "\n" + id[20:],
		"a line feed instead":            id[:20] + "\n" + id[21:],
		"a carriage return at the end":   id[:42] + "\r",
		"the alphabet of plain base64":   "+/" + id[2:],
		"quotes":                         `"` + id + `"`,
		"percent encoding":               "%" + hex.EncodeToString([]byte(id[:1])) + id[1:],
		"hexadecimal":                    hex.EncodeToString([]byte(id[:32])),
		"a zero byte":                    id[:42] + "\x00",
		"beyond ASCII":                   id[:41] + "é",
		"the key in the store":           seal.Encode(key[:]),
		"a megabyte":                     strings.Repeat("A", 1<<20),
		"SES-08 a sealed session record": seal.Encode(b.row(key).Value),
	}
	// The last character carries four bits only: three others spell the same bytes.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, id[42])
	for i := 1; i < 4; i++ {
		cases[fmt.Sprintf("A160 spelling %d of the same bytes", i+1)] = id[:42] + alphabet[last^i:last^i+1]
	}
	before := b.store.Store.(*memory.Store).Stats()
	for name, bad := range cases {
		t.Run(name, func(t *testing.T) {
			wantNone(t, b.Manager, bad)
			if alive, err := b.Alive(t.Context(), bad); alive || err != nil {
				t.Errorf("Alive: %v, %v", alive, err)
			}
		})
	}
	if after := b.store.Store.(*memory.Store).Stats(); after != before {
		t.Errorf("SES-18: the store went from %+v to %+v", before, after)
	}
	wantAlive(t, b.Manager, id, "ada")
}

func swap(id string, at int) string {
	c := byte('A')
	if id[at] == c {
		c = 'B'
	}
	return id[:at] + string(c) + id[at+1:]
}

// otherCase changes the case of the first letter.
func otherCase(id string) string {
	i := strings.IndexFunc(id, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' })
	return id[:i] + string(id[i]^0x20) + id[i+1:]
}

func TestSES02_TheStoreHoldsNeitherIDNorPerson(t *testing.T) {
	b := newBench(t)
	w := &written{Store: b.store}
	m := manager(w, b.ring)
	s := session.Session{User: session.User{ID: "canary-id", Provider: "canary-provider", Issuer: "https://canary.example", Subject: "canary-subject", Email: "canary@example.com", Name: "Canary Bird", Picture: "https://canary.example/p"},
		Login: "canary-login", ACR: "canary-acr", AMR: []string{"canary-amr"}, ProviderSession: "canary-sid", Grant: store.Key([]byte("canary-grant-canary-grant-canary"))}
	id, made, _, err := m.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := seal.Decode(id)
	hash := sha256.Sum256(raw)
	textHash := sha256.Sum256([]byte(id))
	secrets := map[string][]byte{"the cookie's value": []byte(id), "its bytes": raw, "an unkeyed hash of the bytes": hash[:], "an unkeyed hash of the value": textHash[:], "a canary": []byte("anary")}
	for name, secret := range secrets {
		for how, form := range map[string][]byte{"as it is": secret, "in hexadecimal": []byte(hex.EncodeToString(secret)), "in base64": []byte(base64.StdEncoding.EncodeToString(secret))} {
			if w.has(form) {
				t.Errorf("%s is in the store %s", name, how)
			}
		}
	}
	if key := made.Key(); !w.has(key[:]) {
		t.Error("the dump does not even have the key: the test is broken")
	}
	wantAlive(t, m, id, "canary-subject")
}

func TestA138_AnEndedSessionIsGoneEverywhere(t *testing.T) {
	b := newBench(t)
	other := b.replica()
	id, _ := b.create(ada())
	hers, _ := b.create(ada())
	s := wantAlive(t, b.Manager, id, "ada")
	wantAlive(t, other, id, "ada")
	for range 2 { // ending it twice is no error
		if err := b.End(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []*session.Manager{b.Manager, other, b.replica()} {
		wantNone(t, m, id)
		wantAlive(t, m, hers, "ada")
		if alive, err := m.Alive(t.Context(), id); alive || err != nil {
			t.Errorf("Alive: %v, %v", alive, err)
		}
	}
}

// Two apps may share a store and its keys: the cookie of one is none of the other.
func TestA126_ASessionOfOneDeploymentIsNoneOfAnother(t *testing.T) {
	b := newBench(t)
	x := index.New(b.store, b.ring)
	other := session.NewManager(b.store, b.ring, x, "https://other.example", session.Lifetimes{Idle: time.Hour, Absolute: time.Hour, PerUser: 1})
	id, _ := b.create(ada())
	theirs, _, ended, err := other.Create(t.Context(), ada())
	if err != nil || len(ended) != 0 {
		t.Fatalf("ended %v, %v", ended, err)
	}
	wantNone(t, other, id)
	wantNone(t, b.Manager, theirs)
	for _, m := range []*session.Manager{b.Manager, other} {
		if list, _, err := m.OfUser(t.Context(), "u1"); err != nil || len(list) != 1 {
			t.Errorf("%v, %v", list, err)
		}
	}
	wantAlive(t, b.Manager, id, "ada")
	wantAlive(t, other, theirs, "ada")
}

func TestSES16_AStoreThatFailsIsAnErrorAndNeverNoSession(t *testing.T) {
	down := errors.New("the store is down")
	b := newBench(t)
	id, s := b.create(ada())
	cold := b.replica()
	b.store.Fail(down)
	for name, m := range map[string]*session.Manager{"warm": b.Manager, "cold": cold} {
		if got, err := m.Find(t.Context(), id); got != nil || !errors.Is(err, down) {
			t.Errorf("%s: Find: %v, %v", name, got, err)
		}
		if alive, err := m.Alive(t.Context(), id); alive || !errors.Is(err, down) {
			t.Errorf("%s: Alive: %v, %v", name, alive, err)
		}
		if id, made, _, err := m.Create(t.Context(), ada()); id != "" || made != nil || !errors.Is(err, down) {
			t.Errorf("%s: Create: %v, %v, %v", name, id, made, err)
		}
		if err := m.End(t.Context(), s); !errors.Is(err, down) {
			t.Errorf("%s: End: %v", name, err)
		}
	}
	b.store.Heal()
	wantAlive(t, b.Manager, id, "ada")
	wantAlive(t, cold, id, "ada")
	b.store.Close()
	if got, err := b.Find(t.Context(), id); got != nil || !errors.Is(err, store.ErrClosed) {
		t.Errorf("closed: %v, %v", got, err)
	}
}

// A restart with other keys over an old store must be seen at once.
func TestSES16_AStoreOfOtherKeysIsAnErrorAndNotNoSession(t *testing.T) {
	b := newBench(t)
	id, _ := b.create(ada())
	if got, err := manager(b.store, seal.NewRandomRing()).Find(t.Context(), id); got != nil || !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestA127_ASessionThatDoesNotFitIsAnErrorAtLogin(t *testing.T) {
	b := newBench(t)
	s := ada()
	s.Name = strings.Repeat("x", store.MaxValue)
	if id, made, _, err := b.Create(t.Context(), s); id != "" || made != nil || !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("%v, %v, %v", id, made, err)
	}
	s.Name = strings.Repeat("x", store.MaxValue-1000)
	for range 200 { // more than any provider sends
		s.AMR = append(s.AMR, "m")
	}
	id, _ := b.create(s)
	if got := wantAlive(t, b.replica(), id, "ada"); got.Name != s.Name || len(got.AMR) != 200 {
		t.Errorf("a name of %d bytes, %d methods", len(got.Name), len(got.AMR))
	}
}

func TestA168_ARecordOpensInItsOwnPlaceOnly(t *testing.T) {
	b := newBench(t)
	mallory := ada()
	mallory.Subject = "mallory"
	his, hisSession := b.create(mallory)
	hers, herSession := b.create(ada())
	wantAlive(t, b.Manager, his, "mallory")
	b.setRow(hisSession.Key(), b.row(herSession.Key()))
	wantNone(t, b.Manager, his)
	wantNone(t, b.replica(), his)
	wantAlive(t, b.Manager, hers, "ada")
}

func TestSES16_ADamagedRecordIsNoSession(t *testing.T) {
	b := newBench(t)
	id, s := b.create(ada())
	k, whole := s.Key(), b.row(s.Key())
	aad := string(k[:])
	flipped := bytes.Clone(whole.Value)
	flipped[len(flipped)/2] ^= 4
	plain, err := b.ring.Open("session", whole.Value, aad)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string][]byte{
		"empty":                     {},
		"cut":                       whole.Value[:len(whole.Value)-1],
		"one bit changed":           flipped,
		"in clear":                  plain,
		"SES-08 of another purpose": b.ring.Seal("grant", plain, aad),
		"of another place":          b.ring.Seal("session", plain, "elsewhere"),
		"of another ring":           seal.NewRandomRing().Seal("session", plain, aad),
		"of another format":         b.ring.Seal("session", append([]byte{99}, plain[1:]...), aad),
		"of no format":              b.ring.Seal("session", nil, aad),
		"with something after it":   b.ring.Seal("session", append(bytes.Clone(plain), 0), aad),
		"with something missing":    b.ring.Seal("session", plain[:len(plain)-1], aad),
	} {
		t.Run(name, func(t *testing.T) {
			wantAlive(t, b.Manager, id, "ada")
			b.setRow(k, store.Record{Value: value, Expires: whole.Expires})
			wantNone(t, b.Manager, id)
			wantNone(t, b.replica(), id)
			b.setRow(k, whole)
			wantAlive(t, b.Manager, id, "ada")
		})
	}
	b.setRow(k, store.Record{Value: b.ring.Seal("session", plain, aad), Expires: whole.Expires})
	wantAlive(t, b.Manager, id, "ada") // the twin of all of the above
}

func TestSES14_RingKeysRotateWithoutSigningAnyoneOut(t *testing.T) {
	first, second := key32(), key32()
	s := memory.New(memory.Options{})
	old, _, _, err := manager(s, ring(t, first)).Create(t.Context(), ada())
	if err != nil {
		t.Fatal(err)
	}
	during := manager(s, ring(t, second, first))
	wantAlive(t, during, old, "ada")
	fresh, _, _, err := during.Create(t.Context(), ada())
	if err != nil {
		t.Fatal(err)
	}
	after := manager(s, ring(t, second))
	wantAlive(t, after, fresh, "ada")
	wantNone(t, after, old)
}

func TestManySessionsAreNeverMixedUp(t *testing.T) {
	const many = 2000 // of which about two hundred share their place among the remembered ones
	b := newBench(t)
	ids := make([]string, many)
	for i := range ids {
		ids[i], _ = b.create(session.Session{User: session.User{Subject: fmt.Sprint(i)}})
	}
	for i, id := range ids {
		wantAlive(t, b.Manager, id, fmt.Sprint(i))
		wantAlive(t, b.Manager, id, fmt.Sprint(i))
		wantAlive(t, b.Manager, ids[many-1-i], fmt.Sprint(many-1-i))
	}
}

// numbered numbers the versions of each record from one, as a store may.
type numbered struct{ store.Store }

func (n numbered) Get(ctx context.Context, t store.Table, k store.Key) (store.Record, store.Version, bool, error) {
	rec, v, found, err := n.Store.Get(ctx, t, k)
	return rec, min(v, 1), found, err
}

func TestSessionsOfOneVersionAreNeverMixedUp(t *testing.T) {
	m := manager(numbered{memory.New(memory.Options{})}, seal.NewRandomRing())
	ids := make([]string, 2000)
	for i := range ids {
		var err error
		if ids[i], _, _, err = m.Create(t.Context(), session.Session{User: session.User{Subject: fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	for i, id := range ids {
		wantAlive(t, m, id, fmt.Sprint(i))
		wantAlive(t, m, ids[len(ids)-1-i], fmt.Sprint(len(ids)-1-i))
	}
}

func TestAReplicasWriteIsSeen(t *testing.T) {
	b := newBench(t)
	id, made := b.create(ada())
	before := wantAlive(t, b.Manager, id, "ada")
	if again := wantAlive(t, b.Manager, id, "ada"); again != before {
		t.Error("the decoded session is not remembered")
	}
	// Written anew, the same session has another version.
	b.setRow(made.Key(), b.row(made.Key()))
	if after := wantAlive(t, b.Manager, id, "ada"); after == before {
		t.Error("an old copy is handed out")
	}
}

func TestASessionIsPrintedWithoutThePerson(t *testing.T) {
	b := newBench(t)
	id, made := b.create(ada())
	for _, verb := range []string{"%v", "%s", "%+v"} {
		text := fmt.Sprintf(verb, made)
		if strings.Contains(text, "ada") || strings.Contains(text, id) || !strings.HasPrefix(text, "session ") || !strings.HasSuffix(text, " of acme") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if text := fmt.Sprint((*session.Session)(nil)); text != "no session" {
		t.Errorf("nil prints %q", text)
	}
}

func TestTheContextCarriesTheSession(t *testing.T) {
	_, made := newBench(t).create(ada())
	if got := session.FromContext(session.NewContext(t.Context(), made)); got != made {
		t.Errorf("%v", got)
	}
	if got := session.FromContext(t.Context()); got != nil {
		t.Errorf("%v from an empty context", got)
	}
}

// Sessions of other managers, tables and kinds of key are out of reach.
func TestSES08_OtherHashesOfTheIDAreOtherRecords(t *testing.T) {
	b := newBench(t)
	id, made := b.create(ada())
	raw, _ := seal.Decode(id)
	claim, err := index.New(b.store, b.ring).Key(t.Context(), 'c', raw)
	if err != nil || claim == made.Key() {
		t.Errorf("%v, %v", claim, err)
	}
	if n := b.store.Calls(storetest.Create); n != 2 {
		t.Errorf("%d records made, want the index key and the session", n)
	}
}
