package vault_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/vault"
)

// What a provider can answer, read by the real client: what becomes of a grant
// whose token has five seconds left, and of one whose token has ended.
func TestRefreshAnswers(t *testing.T) {
	const asJSON = "application/json"
	for name, tc := range map[string]struct {
		status        int
		kind, body    string
		living, ended string // the access token handed out; "" is a passing error, "-" the end of the grant
		row           string // the refresh token in the row afterwards
	}{
		"REF-02 a new refresh token replaces the old": {200, asJSON, `{"access_token":"at-2","token_type":"Bearer","expires_in":600,"refresh_token":"rt-2"}`, "at-2", "at-2", "rt-2"},
		"REF-02 none comes: the old one stays":        {200, asJSON, `{"access_token":"at-2","token_type":"Bearer","expires_in":600}`, "at-2", "at-2", "rt-1"},
		"A188 an empty one comes: the old one stays":  {200, asJSON, `{"access_token":"at-2","token_type":"Bearer","refresh_token":""}`, "at-2", "at-2", "rt-1"},
		"A188 the old one comes back":                 {200, asJSON, `{"access_token":"at-2","token_type":"Bearer","refresh_token":"rt-1"}`, "at-2", "at-2", "rt-1"},
		"REF-05 A182 invalid_grant":                   {400, asJSON, `{"error":"invalid_grant"}`, "-", "-", ""},
		"invalid_client ends nothing":                 {401, asJSON, `{"error":"invalid_client"}`, "at-1", "", "rt-1"},
		"REF-06 status 500":                           {500, "text/plain", "oops", "at-1", "", "rt-1"},
		"REF-06 status 429":                           {429, asJSON, `{"error":"slow_down"}`, "at-1", "", "rt-1"},
		"A187 no access token":                        {200, asJSON, `{"token_type":"Bearer","refresh_token":"rt-2"}`, "at-1", "", "rt-1"},
		"A187 a page":                                 {200, "text/html", "<html>", "at-1", "", "rt-1"},
		"A187 huge":                                   {200, asJSON, `{"access_token":"` + strings.Repeat("x", 2<<20) + `"}`, "at-1", "", "rt-1"},
	} {
		t.Run(name, func(t *testing.T) {
			for remaining, want := range map[time.Duration]string{5 * time.Second: tc.living, -time.Second: tc.ended} {
				v, calls := vaultWithServer(t, tc.status, tc.kind, tc.body)
				id, err := v.Keep(t.Context(), "acme", "", &oauth.Tokens{AccessToken: oauth.NewSecret("at-1"), Type: "Bearer",
					RefreshToken: oauth.NewSecret("rt-1"), Expires: time.Now().Add(remaining)}, time.Now().Add(time.Hour))
				if err != nil {
					t.Fatal(err)
				}
				got, err := v.Tokens(t.Context(), id)
				switch want {
				case "-":
					wantEnded(t, got, err)
				case "":
					if _, ended := v.Peek(t.Context(), id); err == nil || ended != nil {
						t.Errorf("%v; the row says %v", err, ended)
					}
				default:
					wantTokens(t, got, err, want)
				}
				if kept, _ := v.Peek(t.Context(), id); tc.row != "" && kept.RefreshToken.Reveal() != tc.row {
					t.Errorf("the row holds %s, want %s", kept.RefreshToken.Reveal(), tc.row)
				}
				if n := calls.Load(); n != 1 {
					t.Errorf("%d requests", n)
				}
			}
		})
	}
}

// vaultWithServer is a vault with the real client in front of a server that
// always gives the same answer.
func vaultWithServer(t *testing.T, status int, kind, body string) (*vault.Vault, *atomic.Int32) {
	t.Helper()
	calls := new(atomic.Int32)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.PostFormValue("refresh_token") != "rt-1" {
			t.Errorf("the request carries %q", r.PostFormValue("refresh_token"))
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	client, err := oauth.New(oauth.Config{Name: "acme", AuthorizationURL: srv.URL + "/authorize", TokenURL: srv.URL + "/token",
		ClientID: "app", ClientSecret: oauth.NewSecret("s3cret"), RedirectURI: "http://localhost:8000/auth/acme/callback", Development: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdle)
	return newVault(memory.New(memory.Options{}), seal.NewRandomRing(), func(string) vault.Refresher { return client }), calls
}
