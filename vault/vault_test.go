package vault_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
	"github.com/wayleave/wayleave/vault"
)

func TestAGrantComesBackAsItWasKept(t *testing.T) {
	b := newBench(t)
	now := time.Now().Truncate(time.Second)
	for name, want := range map[string]*oauth.Tokens{
		"all there is": {AccessToken: oauth.NewSecret("at"), Type: "Bearer", RefreshToken: oauth.NewSecret("rt"), RefreshExpires: now.Add(time.Hour),
			Expires: now.Add(time.Minute), Scopes: []string{"a", "b"}},
		"as little as there can be": {AccessToken: oauth.NewSecret("at"), Type: "Bearer"},
		"nothing granted":           {AccessToken: oauth.NewSecret("at"), Type: "Bearer", Scopes: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			id := b.keepTokens(want)
			for how, ask := range map[string]func(context.Context, vault.ID) (*oauth.Tokens, error){"Tokens": b.Tokens, "Peek": b.Peek} {
				got, err := ask(t.Context(), id)
				if err != nil {
					t.Fatal(how, err)
				}
				if got.AccessToken.Reveal() != "at" || got.RefreshToken.Reveal() != want.RefreshToken.Reveal() || got.Type != want.Type ||
					!got.Expires.Equal(want.Expires) || !got.RefreshExpires.Equal(want.RefreshExpires) ||
					!slices.Equal(got.Scopes, want.Scopes) || (got.Scopes == nil) != (want.Scopes == nil) {
					t.Errorf("%s: %+v, want %+v", how, got, want)
				}
			}
		})
	}
	if n := b.p.called(); n != 0 {
		t.Errorf("%d refreshes of tokens that are good", n)
	}
}

func TestEveryGrantHasItsOwnName(t *testing.T) {
	b := newBench(t)
	if first, second := b.keep(time.Hour), b.keep(time.Hour); first == second || first == (vault.ID{}) {
		t.Errorf("%x and %x", first, second)
	}
}

func TestSES15_TheStoreHoldsNoTokenInClear(t *testing.T) {
	b := newBench(t)
	w := &written{Store: b.store}
	v := newVault(w, b.ring, func(string) vault.Refresher { return b.p })
	tokens := b.p.present()
	tokens.Expires = time.Now().Add(-time.Second)
	id, err := v.Keep(t.Context(), "acme-canary", "login-canary", tokens, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Tokens(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if len(w.records) != 2 {
		t.Fatalf("%d writes, want one to keep and one after the refresh", len(w.records))
	}
	dump := w.dump()
	for _, canary := range []string{"user-access-1", "user-refresh-1", "user-access-2", "user-refresh-2", "user-", "Bearer", "acme-canary", "login-canary", "accounts"} {
		for how, form := range map[string]string{"in clear": canary, "in hexadecimal": hex.EncodeToString([]byte(canary)), "in base64": base64.StdEncoding.EncodeToString([]byte(canary))} {
			if bytes.Contains(dump, []byte(form)) {
				t.Errorf("%q is in the store %s", canary, how)
			}
		}
	}
}

func TestWhatIsNotThereIsAnEndedGrant(t *testing.T) {
	b := newBench(t)
	for name, id := range map[string]vault.ID{"the zero name": {}, "an unknown name": {1}} {
		t.Run(name, func(t *testing.T) {
			got, err := b.Tokens(t.Context(), id)
			wantEnded(t, got, err)
			got, err = b.Peek(t.Context(), id)
			wantEnded(t, got, err)
			got, err = b.Renew(t.Context(), id, b.p.present())
			wantEnded(t, got, err)
			if err := b.Drop(t.Context(), id); err != nil {
				t.Errorf("Drop: %v", err)
			}
		})
	}
}

func TestWithoutAGrantThereIsNothingToDrop(t *testing.T) {
	b := newBench(t)
	b.store.Fail(errors.New("down"))
	if err := b.Drop(t.Context(), vault.ID{}); err != nil {
		t.Errorf("Drop: %v", err)
	}
}

func TestADroppedGrantIsGone(t *testing.T) {
	b := newBench(t)
	id, other := b.keep(time.Hour), b.keep(time.Hour)
	for range 2 {
		if err := b.Drop(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Tokens(t.Context(), id)
	wantEnded(t, got, err)
	b.wantRow(other, "user-access-1")
}

func TestSES16_AStoreThatFailsIsAnErrorAndNoEnd(t *testing.T) {
	down := errors.New("the store is down")
	b := newBench(t)
	id := b.keep(time.Hour)
	b.store.Fail(down)
	if _, err := b.Keep(t.Context(), "acme", "", b.p.present(), time.Now().Add(time.Hour)); !errors.Is(err, down) {
		t.Errorf("Keep: %v", err)
	}
	got, err := b.Tokens(t.Context(), id)
	wantFailed(t, got, err, down)
	got, err = b.Peek(t.Context(), id)
	wantFailed(t, got, err, down)
	got, err = b.Renew(t.Context(), id, b.p.present())
	wantFailed(t, got, err, down)
	if err := b.Drop(t.Context(), id); !errors.Is(err, down) {
		t.Errorf("Drop: %v", err)
	}
	b.wantRow(id, "user-access-1")
}

func TestAGrantThatCannotBeKeptIsAnError(t *testing.T) {
	b := newBench(t)
	large := &oauth.Tokens{AccessToken: oauth.NewSecret(strings.Repeat("x", store.MaxValue)), Type: "Bearer"}
	if id, err := b.Keep(t.Context(), "acme", "", large, time.Now().Add(time.Hour)); !errors.Is(err, store.ErrTooLarge) || id != (vault.ID{}) {
		t.Errorf("id %v, error %v", id, err)
	}
	if id, err := b.Keep(t.Context(), "acme", "", b.p.present(), time.Time{}); !errors.Is(err, store.ErrNoExpiry) || id != (vault.ID{}) {
		t.Errorf("id %v, error %v", id, err)
	}
}

func TestA168_ARecordOpensInItsOwnPlaceOnly(t *testing.T) {
	b := newBench(t)
	mine := b.keep(time.Hour)
	hers := b.keepTokens(&oauth.Tokens{AccessToken: oauth.NewSecret("hers"), Type: "Bearer"})
	rec, _ := b.row(hers)
	b.setRow(mine, rec)
	got, err := b.Tokens(t.Context(), mine)
	wantEnded(t, got, err)
	if !errors.Is(err, seal.ErrTampered) {
		t.Errorf("error %v", err)
	}
	b.wantRow(hers, "hers")
}

func TestADamagedRecordDoesNotOpen(t *testing.T) {
	b := newBench(t)
	id := b.keep(time.Hour)
	whole, _ := b.row(id)
	plain, err := b.ring.Open("grant", whole.Value, string(id[:]))
	if err != nil || !bytes.HasPrefix(plain, []byte(`{"v":2,`)) {
		t.Fatalf("%v: %.7s", err, plain)
	}
	next := append([]byte(`{"v":1,`), plain[7:]...)
	for name, value := range map[string][]byte{
		"empty":                       {},
		"cut":                         whole.Value[:len(whole.Value)-1],
		"one bit changed":             append(slices.Clone(whole.Value[:len(whole.Value)-1]), whole.Value[len(whole.Value)-1]^1),
		"sealed for something else":   b.ring.Seal("session", []byte(`{"v":2}`), string(id[:])),
		"sealed by somebody else":     seal.NewRandomRing().Seal("grant", []byte(`{"v":2}`), string(id[:])),
		"of another format":           b.ring.Seal("grant", next, string(id[:])),
		"of no format":                b.ring.Seal("grant", []byte(`{}`), string(id[:])),
		"tokens of another format":    b.ring.Seal("grant", []byte(`{"v":2,"p":"acme","t":"AAAA"}`), string(id[:])),
		"not even a record of a sort": b.ring.Seal("grant", []byte("\x01\x02"), string(id[:])),
	} {
		t.Run(name, func(t *testing.T) {
			b.setRow(id, store.Record{Value: value, Expires: whole.Expires})
			got, err := b.Tokens(t.Context(), id)
			wantEnded(t, got, err)
			got, err = b.Renew(t.Context(), id, b.p.present())
			wantEnded(t, got, err)
			if rec, _ := b.row(id); !bytes.Equal(rec.Value, value) {
				t.Error("the record was changed: it may open again with the right keys")
			}
		})
	}
	b.setRow(id, whole)
	b.wantRow(id, "user-access-1")
}

func TestSES14_RingKeysRotate(t *testing.T) {
	first, second := key32(), key32()
	s, p := memory.New(memory.Options{}), newProvider("user")
	find := func(string) vault.Refresher { return p }
	before := newVault(s, ring(t, first), find)
	tokens := p.present()
	tokens.Expires = time.Now().Add(-time.Minute)
	id, err := before.Keep(t.Context(), "acme", "", tokens, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}

	without := newVault(s, ring(t, second), find)
	got, err := without.Peek(t.Context(), id)
	wantEnded(t, got, err)
	if !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("error %v", err)
	}

	during := newVault(s, ring(t, second, first), find)
	got, err = during.Tokens(t.Context(), id) // and writes it with the new key
	wantTokens(t, got, err, "user-access-2")
	got, err = without.Peek(t.Context(), id)
	wantTokens(t, got, err, "user-access-2")
	got, err = before.Peek(t.Context(), id)
	wantEnded(t, got, err)
}

func TestTheRowEndsWhenItWasMeantTo(t *testing.T) {
	b := newBench(t)
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	tokens := b.p.present()
	tokens.Expires = time.Now()
	id, err := b.Keep(t.Context(), "acme", "", tokens, end)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Tokens(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if rec, v := b.row(id); !rec.Expires.Equal(end) || v == 0 {
		t.Errorf("a refresh moved the end of the row to %v, want %v", rec.Expires, end)
	}
	if b.p.called() != 1 {
		t.Errorf("%d refreshes", b.p.called())
	}
}

// What errors say must be fit for logs.
func TestErrorsTellNoSecret(t *testing.T) {
	b := newBench(t)
	id := b.keep(time.Hour)
	b.p.set(func(p *fakeProvider) { p.fail = errInvalidGrant })
	var errs []error
	b.store.Fail(errors.New("down"), storetest.Delete)
	_, err := b.Renew(t.Context(), id, b.p.present())
	errs = append(errs, err)
	b.store.Heal()
	_, err = b.Renew(t.Context(), id, b.p.present())
	errs = append(errs, err)
	_, err = b.Tokens(t.Context(), id)
	errs = append(errs, err)
	for _, err := range errs {
		text, _ := json.Marshal(err.Error())
		for _, secret := range []string{"user-access", "user-refresh", hex.EncodeToString(id[:])} {
			if err == nil || strings.Contains(string(text), secret) {
				t.Errorf("error %v", err)
			}
		}
	}
}
