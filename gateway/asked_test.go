package gateway_test

import (
	"net/netip"
	"testing"

	"github.com/wayleave/wayleave/gateway/config"
)

// TestA172_OnlyWhoIsMeantToIsAnswered: behind a proxy that passes everything on, a
// page's script could ask as that proxy does, and read the person's token.
func TestA172_OnlyWhoIsMeantToIsAnswered(t *testing.T) {
	a := newApp(t, func(c *config.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.Sites[0].Routes[1].TokenOf = "dev"
	})
	b := a.browser()
	b.signIn("ada", "/")
	host := a.base[len("http://"):]
	for _, way := range []string{"envoy/api/x", "forward", "nginx"} {
		at := b.ask("GET", "/auth/verify/"+way, "X-Forwarded-Proto", "http", "X-Forwarded-Host", host, "X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/api/x",
			"X-Original-Method", "GET", "X-Original-Url", a.base+"/api/x")
		if at.StatusCode != 404 || at.body != "this site is not asked about; set forward_auth: true for a proxy that asks\n" || at.Header.Get("Authorization") != "" || at.Header.Get("X-Wayleave-User") != "" {
			t.Errorf("%s: %d %s %v", way, at.StatusCode, at.body, at.Header)
		}
	}
}

// TestPRX12_A154_WhatAProxyDoesNotPassToUsIsDecided: proxies find our pages by a
// prefix with a slash at its end, some of them in the path as it was sent. What they
// would give to the app is not ours.
func TestPRX12_A154_WhatAProxyDoesNotPassToUsIsDecided(t *testing.T) {
	a := newApp(t, trusting)
	b := a.browser()
	for path, want := range map[string]int{"/auth/session": 200, "/auth/": 200, "/auth": 401, "/%61uth": 401, "/%61uth/session": 401, "/auth%2Fsession": 400, "/page": 401} {
		if at := b.ask("GET", "/auth/verify/envoy"+path, "X-Forwarded-Proto", "http"); at.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, at.StatusCode, want)
		}
	}
}
