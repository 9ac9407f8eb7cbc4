package gateway_test

import (
	"testing"

	"github.com/wayleave/wayleave/gateway/config"
)

// TestSES13_A178_AnotherSitesPage cannot use the token of a route: neither through
// the proxy, nor where a proxy asks.
func TestSES13_A178_AnotherSitesPage(t *testing.T) {
	a := newApp(t, trusting, func(c *config.Config) { c.Sites[0].Routes[1].TokenOf = "dev" }) // /api
	b := a.browser()
	b.signIn("ada", "/")
	for _, tc := range []struct {
		name, method, path string
		header             []string
		status             int
	}{
		{"our page", "POST", "/api/x", []string{"Sec-Fetch-Site", "same-origin", "Origin", a.base}, 200},
		{"our page in an old browser", "POST", "/api/x", []string{"Origin", a.base}, 200},
		{"no browser", "POST", "/api/x", nil, 200},
		{"a sibling", "POST", "/api/x", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://sibling.example"}, 403},
		{"another site", "DELETE", "/api/x", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"another site in an old browser", "POST", "/api/x", []string{"Origin", "https://evil.example"}, 403},
		{"a sandbox", "POST", "/api/x", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, 403},
		{"another site that reads", "GET", "/api/x", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 200},
		{"another site where the app defends itself", "POST", "/x", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a.last()
			if at := b.ask(tc.method, tc.path, tc.header...); at.StatusCode != tc.status {
				t.Errorf("%d, want %d", at.StatusCode, tc.status)
			}
			if got := a.last(); (got != nil) != (tc.status == 200) {
				t.Errorf("the upstream got %v", got)
			}
			asks := append([]string{"X-Forwarded-Uri", tc.path, "X-Forwarded-Method", tc.method, "X-Forwarded-Proto", "http", "X-Forwarded-Host", a.base[7:]}, tc.header...)
			if at := b.ask("GET", "/auth/verify/forward", asks...); at.StatusCode != tc.status || (at.Header.Get("Authorization") != "") != (tc.status == 200 && tc.path == "/api/x") {
				t.Errorf("asked: %d, want %d", at.StatusCode, tc.status)
			}
		})
	}
}
