package vault_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/vault"
)

// Whatever happens to many grants at once, on two replicas, nobody ever gets a
// token of somebody else, and each row holds its owner's.
func TestREF11_A183_NoTokenEverReachesAnotherGrant(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		providers := map[string]*fakeProvider{}
		var mu sync.Mutex
		s, ring := memory.New(memory.Options{}), seal.NewRandomRing()
		find := func(name string) vault.Refresher {
			mu.Lock()
			defer mu.Unlock()
			return providers[name]
		}
		replicas := []*vault.Vault{newVault(s, ring, find), newVault(s, ring, find)}
		users := rapid.IntRange(2, 6).Draw(r, "users")
		ids := make([]vault.ID, users)
		for i := range ids {
			name := fmt.Sprintf("user%d", i)
			p := newProvider(name)
			p.life = rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}).Draw(r, "life")
			providers[name] = p
			tokens := p.present()
			tokens.Expires = time.Now().Add(rapid.SampledFrom([]time.Duration{-time.Second, time.Hour}).Draw(r, "remaining"))
			var err error
			if ids[i], err = replicas[0].Keep(context.Background(), name, name, tokens, time.Now().Add(time.Hour)); err != nil {
				r.Fatal(err)
			}
		}
		type act struct{ user, replica, what int }
		acts := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) act {
			return act{rapid.IntRange(0, users-1).Draw(r, "user"), rapid.IntRange(0, 1).Draw(r, "replica"), rapid.IntRange(0, 9).Draw(r, "what")}
		}), 1, 40).Draw(r, "acts")

		var all sync.WaitGroup
		for _, a := range acts {
			all.Go(func() {
				v, id, owner := replicas[a.replica], ids[a.user], fmt.Sprintf("user%d-", a.user)
				var got *oauth.Tokens
				switch a.what {
				case 0:
					_ = v.Drop(context.Background(), id)
				case 1, 2:
					got, _ = v.Renew(context.Background(), id, &oauth.Tokens{AccessToken: oauth.NewSecret(owner + "access-1")})
				case 3:
					got, _ = v.Peek(context.Background(), id)
				default:
					got, _ = v.Tokens(context.Background(), id)
				}
				if got != nil && (!strings.HasPrefix(got.AccessToken.Reveal(), owner) || !strings.HasPrefix(got.RefreshToken.Reveal(), owner)) {
					t.Errorf("%s got %s", owner, got.AccessToken.Reveal())
				}
			})
		}
		all.Wait()
		for i, id := range ids {
			got, err := replicas[1].Peek(context.Background(), id)
			if err == nil && !strings.HasPrefix(got.AccessToken.Reveal(), fmt.Sprintf("user%d-", i)) {
				r.Errorf("row %d holds %s", i, got.AccessToken.Reveal())
			}
		}
	})
}
