//go:build unix

package bench

import (
	"context"
	"errors"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
)

// BenchmarkGoOIDCToken is BenchmarkIDToken of package oauth for go-oidc: the
// same claims, signed alike, and the same checks, of which the library leaves
// nonce, azp and the call for at_hash to its user.
func BenchmarkGoOIDCToken(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256"} {
		b.Run(alg, func(b *testing.B) {
			s := newServer(b, alg)
			token := s.grant(b, "nonce-1")
			ctx := context.Background()
			provider, err := oidc.NewProvider(ctx, s.URL)
			if err != nil {
				b.Fatal(err)
			}
			verifier := provider.Verifier(&oidc.Config{ClientID: clientID})
			bare := bareCheck(s.key.Public(), token)
			inTurns(b,
				turn{"verify", func() error { return goOIDC(ctx, verifier, token, "nonce-1") }},
				turn{"bare", func() error {
					if !bare() {
						return errors.New("signature")
					}
					return nil
				}})
			b.ReportMetric(float64(len(token)), "token-bytes")
		})
	}
}

// claims are those that a web app wants to have.
type claims struct {
	AuthorizedParty string `json:"azp"`
	Email           string `json:"email"`
	EmailVerified   bool   `json:"email_verified"`
	Name            string `json:"name"`
	Picture         string `json:"picture"`
	SessionID       string `json:"sid"`
}

func goOIDC(ctx context.Context, v *oidc.IDTokenVerifier, raw, nonce string) error {
	t, err := v.Verify(ctx, raw)
	if err != nil {
		return err
	}
	var c claims
	if err := t.Claims(&c); err != nil {
		return err
	}
	if t.Nonce != nonce || c.AuthorizedParty != "" && c.AuthorizedParty != clientID {
		return errors.New("nonce or azp")
	}
	return t.VerifyAccessToken(accessToken)
}
