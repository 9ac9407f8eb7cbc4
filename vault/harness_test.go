package vault_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/storetest"
	"github.com/wayleave/wayleave/vault"
)

const table = store.Table("grant")

// bench is a vault with everything around it, which tests can break.
type bench struct {
	testing.TB
	*vault.Vault
	store *storetest.Faulty
	ring  *seal.Ring
	p     *fakeProvider

	wide      bool // the provider ends the whole grant with one token
	unrevoked bool // nothing is ever revoked
	client    string
}

func newBench(t testing.TB) *bench {
	b := &bench{TB: t, store: storetest.Failing(memory.New(memory.Options{})), ring: seal.NewRandomRing(), p: newProvider("user")}
	b.Vault = b.replica()
	return b
}

// replica is another process over the same store.
func (b *bench) replica() *vault.Vault { return b.over(b.store) }

func (b *bench) over(s store.Store) *vault.Vault {
	return vault.New(s, b.ring, index.New(s, b.ring), func(name string) vault.Provider {
		if name != "acme" {
			return vault.Provider{}
		}
		return vault.Provider{Refresher: b.p, Revoker: b.revoker(), RevocationEndsGrant: b.wide, ClientID: b.client}
	}, "acme")
}

// newVault is a vault whose providers revoke nothing.
func newVault(s store.Store, r *seal.Ring, find func(string) vault.Refresher) *vault.Vault {
	return vault.New(s, r, index.New(s, r), func(name string) vault.Provider { return vault.Provider{Refresher: find(name)} })
}

func (b *bench) revoker() vault.Revoker {
	if b.unrevoked {
		return nil
	}
	return b.p
}

// keep keeps the provider's present tokens, with this much life.
func (b *bench) keep(life time.Duration) vault.ID {
	b.Helper()
	t := b.p.present()
	t.Expires = time.Now().Add(life)
	return b.keepTokens(t)
}

func (b *bench) keepTokens(t *oauth.Tokens) vault.ID {
	b.Helper()
	id, err := b.Keep(context.Background(), "acme", "login-1", t, time.Now().Add(12*time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// wantRow fails unless the row holds this access token.
func (b *bench) wantRow(id vault.ID, access string) {
	b.Helper()
	b.store.Heal()
	t, err := b.Peek(context.Background(), id)
	wantTokens(b, t, err, access)
}

func wantTokens(t testing.TB, got *oauth.Tokens, err error, access string) {
	t.Helper()
	if err != nil {
		t.Fatalf("error %v, want token %s", err, access)
	}
	if got.AccessToken.Reveal() != access {
		t.Fatalf("token %s, want %s", got.AccessToken.Reveal(), access)
	}
}

// wantEnded fails unless err says that the user has to sign in again.
func wantEnded(t testing.TB, got *oauth.Tokens, err error) {
	t.Helper()
	if !errors.Is(err, vault.ErrNoGrant) || got != nil {
		t.Fatalf("tokens %v, error %v; want %v", got, err, vault.ErrNoGrant)
	}
}

// wantFailed fails unless err is an error that lets the grant live on.
func wantFailed(t testing.TB, got *oauth.Tokens, err, want error) {
	t.Helper()
	if got != nil || !errors.Is(err, want) || errors.Is(err, vault.ErrNoGrant) {
		t.Fatalf("tokens %v, error %v; want %v and no end of the grant", got, err, want)
	}
}

// fakeProvider rotates refresh tokens, and revokes everything when one is used
// twice, as the strictest providers do.
type fakeProvider struct {
	user string
	life time.Duration // of the access tokens it issues; 0: it does not say

	mu       sync.Mutex
	serial   int // of the tokens that are good now
	calls    int
	logins   []string
	revoked  bool
	returned []string                                              // refresh tokens, and access tokens of grants without
	refuse   error                                                 // instead of revoking
	fail     error                                                 // instead of an answer
	during   func(ctx context.Context)                             // while a refresh is under way, before tokens rotate
	after    func(ctx context.Context)                             // and after they have
	answer   func(old, fresh *oauth.Tokens) (*oauth.Tokens, error) // in place of fresh
}

func newProvider(user string) *fakeProvider {
	return &fakeProvider{user: user, serial: 1, life: 10 * time.Minute}
}

func (p *fakeProvider) access(n int) string  { return fmt.Sprintf("%s-access-%d", p.user, n) }
func (p *fakeProvider) refresh(n int) string { return fmt.Sprintf("%s-refresh-%d", p.user, n) }

func (p *fakeProvider) present() *oauth.Tokens {
	t := &oauth.Tokens{AccessToken: oauth.NewSecret(p.access(p.serial)), Type: "Bearer",
		RefreshToken: oauth.NewSecret(p.refresh(p.serial)), Scopes: []string{"accounts"}}
	if p.life != 0 {
		t.Expires = time.Now().Add(p.life)
	}
	return t
}

func (p *fakeProvider) Refresh(ctx context.Context, old *oauth.Tokens) (*oauth.Tokens, error) {
	p.mu.Lock()
	p.calls++
	p.logins = append(p.logins, oauth.LoginID(ctx))
	during, after, answer := p.during, p.after, p.answer
	p.mu.Unlock()
	if during != nil {
		during(ctx)
	}
	fresh, err := p.rotate(old)
	if after != nil {
		after(ctx)
	}
	if answer != nil {
		return answer(old, fresh)
	}
	return fresh, err
}

// Revoke implements vault.Revoker.
func (p *fakeProvider) Revoke(_ context.Context, t *oauth.Tokens) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.returned = append(p.returned, cmp.Or(t.RefreshToken.Reveal(), t.AccessToken.Reveal()))
	return p.refuse
}

func (p *fakeProvider) rotate(old *oauth.Tokens) (*oauth.Tokens, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return nil, p.fail
	}
	if p.revoked || old.RefreshToken.Reveal() != p.refresh(p.serial) {
		p.revoked = true
		return nil, errInvalidGrant
	}
	p.serial++
	return p.present(), nil
}

// set changes how the provider behaves.
func (p *fakeProvider) set(change func(*fakeProvider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *fakeProvider) called() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

var errInvalidGrant = &oauth.Error{Step: oauth.StepUse, Check: oauth.CheckTokenAnswer, Fault: oauth.FaultProvider, Reason: "the provider refused",
	Err: &oauth.ProviderError{Code: "invalid_grant", Status: 400}}

// written keeps all that is written to a store, for looking into.
type written struct {
	store.Store
	mu      sync.Mutex
	records []store.Record
	keys    []store.Key
}

func (w *written) note(k store.Key, rec store.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rec.Value = bytes.Clone(rec.Value)
	w.keys, w.records = append(w.keys, k), append(w.records, rec)
}

func (w *written) Create(ctx context.Context, t store.Table, k store.Key, rec store.Record) (store.Version, error) {
	w.note(k, rec)
	return w.Store.Create(ctx, t, k, rec)
}

func (w *written) Replace(ctx context.Context, t store.Table, k store.Key, old store.Version, rec store.Record) (store.Version, error) {
	w.note(k, rec)
	return w.Store.Replace(ctx, t, k, old, rec)
}

// dump is all of it, one after the other.
func (w *written) dump() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b []byte
	for i, rec := range w.records {
		b = append(append(b, w.keys[i][:]...), rec.Value...)
		for _, k := range rec.Lookups {
			b = append(b, k[:]...)
		}
	}
	return b
}

func key32() []byte {
	k := make([]byte, seal.KeySize)
	rand.Read(k)
	return k
}

func ring(t testing.TB, keys ...[]byte) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// row reads and writes a row as somebody with access to the store can.
func (b *bench) row(id vault.ID) (store.Record, store.Version) {
	b.Helper()
	rec, v, found, err := b.store.Store.Get(context.Background(), table, id)
	if err != nil || !found {
		b.Fatalf("row: found %v, %v", found, err)
	}
	rec.Value = slices.Clone(rec.Value)
	return rec, v
}

func (b *bench) setRow(id vault.ID, rec store.Record) {
	b.Helper()
	_, v := b.row(id)
	if _, err := b.store.Store.Replace(context.Background(), table, id, v, rec); err != nil {
		b.Fatal(err)
	}
}
