package trace_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/trace"
)

// realLogin runs the four steps of package oauth against the development
// provider, and returns the story of it with the secrets that must not be in it.
func realLogin(t *testing.T, faults ...string) (s *trace.Story, secrets []string) {
	t.Helper()
	idp := devidptest.New(t, func(o *devidp.Options) { o.Faults = faults })
	r := trace.NewRecorder(0)
	issuer := idp.Issuer()
	client, err := oauth.New(oauth.Config{Name: "dev", Issuer: issuer, ClientID: "app", ClientSecret: oauth.NewSecret(devidp.DevSecret),
		RedirectURI: redirectURI, Scopes: []string{"openid", "email", "offline_access", "transactions.read"}, Development: true, OnEvent: r.Record})
	if err != nil {
		t.Fatal(err)
	}
	key := make([]byte, 32)
	rand.Read(key)
	sealer, err := oauth.NewSealer("http://localhost:8000", key)
	if err != nil {
		t.Fatal(err)
	}
	l := sealer.Begin(client.Pending())
	ctx := oauth.WithLogin(t.Context(), l.ID())
	// The error is part of the story, which is what we are after.
	_ = fourSteps(ctx, client, l, issuer, r, func(s ...string) { secrets = append(secrets, s...) })
	s, ok := r.Login(l.ID())
	if !ok {
		t.Fatal("nothing was recorded")
	}
	return s, append(secrets, l.State(), devidp.DevSecret)
}

func fourSteps(ctx context.Context, c *oauth.Client, l *oauth.Login, issuer string, r *trace.Recorder, secret func(...string)) error {
	location, err := c.Authorize(ctx, l, oauth.Hints{})
	if err != nil {
		return err
	}
	back, err := devidptest.SignIn(http.DefaultClient, location, "ada", true)
	if err != nil {
		return err
	}
	cb, err := oauth.ReadCallback(httptest.NewRequest("GET", back, nil))
	if err != nil {
		return err
	}
	callback, err := url.Parse(back)
	if err != nil {
		return err
	}
	secret(callback.Query().Get("code"))
	c.TellReturned(ctx, l, cb)
	code, err := c.Check(ctx, l, cb)
	if err != nil {
		return err
	}
	tokens, err := c.Exchange(ctx, code)
	if err != nil {
		return err
	}
	secret(tokens.AccessToken.Reveal(), tokens.RefreshToken.Reveal(), tokens.IDToken.Raw().Reveal())
	if _, err := c.UserInfo(ctx, tokens, nil); err != nil {
		return err
	}
	if tokens, err = c.Refresh(ctx, tokens); err != nil {
		return err
	}
	secret(tokens.AccessToken.Reveal(), tokens.RefreshToken.Reveal(), tokens.IDToken.Raw().Reveal())
	api := http.Client{Transport: &oauth.Transport{Source: fixed{tokens}, OnEvent: r.Record, Provider: "dev"}}
	req, err := http.NewRequestWithContext(ctx, "GET", issuer+"/api/transactions", nil)
	if err != nil {
		return err
	}
	resp, err := api.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

type fixed struct{ tokens *oauth.Tokens }

func (f fixed) Token(context.Context) (*oauth.Tokens, error) { return f.tokens, nil }

func TestTheStoryOfARealLogin(t *testing.T) {
	s, secrets := realLogin(t)
	told, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if len(secrets) != 9 || secret == "" || strings.Contains(string(told), secret) || strings.Contains(text(t, s, trace.TextOptions{Explain: true}), secret) {
			t.Error("a secret is told")
		}
	}
	if check, err, failed := s.Failed(); failed || s.Outcome != trace.Done {
		t.Fatalf("%s at %s: %v\n%s", s.Outcome, check, err, text(t, s, trace.TextOptions{}))
	}
	steps := []oauth.Step{}
	for _, e := range s.Entries {
		if !slices.Contains(steps, e.Step) {
			steps = append(steps, e.Step)
		}
		if e.From != e.To && !e.Unseen && e.From == trace.App && e.To != trace.Browser && e.URL == "" {
			t.Errorf("entry %d asks nobody: %+v", e.Number, e)
		}
	}
	if !slices.Equal(steps, []oauth.Step{0, 1, 2, 3, 4}) {
		t.Errorf("the steps are %v", steps)
	}
	last := s.Entries[len(s.Entries)-1]
	if last.From != trace.API || last.Status != 200 {
		t.Errorf("it ends with %+v", last)
	}
	found := map[oauth.Check]bool{}
	for _, e := range s.Entries {
		for _, f := range e.Checks {
			found[f.Check] = true
		}
	}
	for _, c := range []oauth.Check{oauth.CheckDiscoveryIssuer, oauth.CheckProviderAnswer, oauth.CheckTokenHTTP, oauth.CheckSignature, oauth.CheckNonce, oauth.CheckUserInfoSubject} {
		if !found[c] {
			t.Errorf("the check %s is missing", c)
		}
	}
}

func TestTheStoryOfARealAttack(t *testing.T) {
	tests := []struct {
		fault string
		check oauth.Check
		last  oauth.Step
	}{
		{"discovery-500", oauth.CheckDiscovery, 0},
		{"access-denied", oauth.CheckProviderAnswer, 2},
		{"wrong-response-iss", oauth.CheckResponseIssuer, 2},
		{"token-500", oauth.CheckTokenHTTP, 3},
		{"token-truncated", oauth.CheckTokenHTTP, 3},
		{"missing-id-token", oauth.CheckIDToken, 3},
		{"alg-none", oauth.CheckAlgorithm, 3},
		{"jwks-500", oauth.CheckKey, 3},
		{"bad-signature", oauth.CheckSignature, 3},
		{"wrong-audience", oauth.CheckAudience, 3},
		{"wrong-nonce", oauth.CheckNonce, 3},
		{"userinfo-other-sub", oauth.CheckUserInfoSubject, 4},
	}
	for _, test := range tests {
		t.Run(test.fault, func(t *testing.T) {
			t.Parallel()
			s, _ := realLogin(t, test.fault)
			check, err, failed := s.Failed()
			if !failed || check != test.check || oauth.CheckOf(err) != test.check || s.Entries[len(s.Entries)-1].Step != test.last {
				t.Errorf("failed %v at %q: %v\n%s", failed, check, err, text(t, s, trace.TextOptions{}))
			}
		})
	}
}
