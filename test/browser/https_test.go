package browser_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/examples/financetracker/app"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/test/browser"
)

// secure is Finance Tracker at https://app.finance.test, with a provider on
// another site, and other people's sites around it.
type secure struct {
	*scene
	options browser.Options // of a browser that finds all of them
	evil    *evil
}

const (
	sibling = "https://evil.finance.test" // the same site as the app: browsers send Lax and Strict cookies
	third   = "https://third.test"        // a site that has nothing to do with it
)

func newSecureTracker(t *testing.T) *secure {
	t.Helper()
	ca := browser.NewCA(t)
	s := newScene(t, "google")
	s.base = "https://app.finance.test"
	appLn := listenOn(t, "127.0.0.1:0")
	// The app reaches the provider by its address: no name has to be resolved.
	idpLn := listenOn(t, "127.0.0.2:0")
	s.issuer = "https://" + idpLn.Addr().String()
	s.wire = &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: ca.Pool()},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "app.finance.test:443" {
				address = appLn.Addr().String()
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}

	idp, err := devidp.New(devidp.Options{Issuer: s.issuer, SigningAlgorithm: "ES256",
		Clients: []devidp.Client{{ID: "finance", Secret: "finance-secret", Name: "Finance Tracker", RedirectURIs: []string{s.base + "/auth/google/callback"}}}})
	if err != nil {
		t.Fatal(err)
	}
	s.idp = idp
	tracker, err := app.New(app.Options{
		BaseURL: s.base, Store: s.store, ResourceURL: plainAPI(t, idp) + "/api",
		Provider: provider.Config{Preset: provider.Google(), Issuer: s.issuer, ClientID: "finance", ClientSecret: oauth.NewSecret("finance-secret"),
			MoreScopes: []string{"transactions.read"}, Offline: true, RootCAs: ca.Pool(), AllowAddresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracker.Close() })
	ca.ServeOn(t, appLn, s.visits.watch(tracker), "app.finance.test")
	ca.ServeOn(t, idpLn, s.gate.guard(idp), "127.0.0.2")
	t.Cleanup(s.gate.open)

	bad := &evil{base: s.base}
	evilAddress := ca.Serve(t, bad, "evil.finance.test", "third.test")
	return &secure{scene: s, evil: bad, options: browser.Options{Trust: ca, Hosts: map[string]string{
		"*": "127.0.0.1:1", "127.0.0.2": "127.0.0.2", "app.finance.test": appLn.Addr().String(), "evil.finance.test": evilAddress, "third.test": evilAddress,
	}}}
}

func listenOn(t *testing.T, address string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// plainAPI is the resource API at an address of its own: the app's client for
// APIs trusts the machine's authorities, not the test's.
func plainAPI(t *testing.T, idp *devidp.Server) string {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = strings.TrimPrefix(idp.Issuer(), "https://")
		idp.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	return api.URL
}

// TestOverHTTPS is a denial, a login and a logout with app and provider on
// different sites, and every cookie that they leave.
func TestOverHTTPS(t *testing.T) {
	s := newSecureTracker(t)
	b := browser.Start(t, s.options)
	tab := b.Tab(t)
	tab.Do(
		browser.Goto(s.base),
		browser.Click("G Sign in with Google"),
		browser.WaitText("Choose an account"),
		browser.Screenshot("1-provider"),
		choose("ada"),
		browser.WaitText("Finance Tracker wants to access your email, profile and transactions"),
		browser.Screenshot("2-consent"),
		browser.Click("Deny"),
		browser.WaitText("You did not allow access"),
		browser.Screenshot("3-denied"),
		browser.Click("Sign in again"),
		s.atTheProvider(),
		s.answer("ada"),
		browser.WaitText("Hello, Ada Marsh"),
		browser.Screenshot("4-dashboard"),
		shows("the transactions", `table tbody tr`),
	)
	checkCookies(t, b.Cookies(t), "__Host-wayleave-browser", "__Host-wayleave-session")

	// A page too long for the state waits in a cookie of its own.
	long := "/dashboard?show=all&filter=" + strings.Repeat("x", 900)
	tab.Do(browser.Goto(s.base+"/auth/google/login?return_to="+strings.ReplaceAll(long, "&", "%26")), browser.WaitText("Finance Tracker wants to"))
	checkCookies(t, b.Cookies(t), "__Host-wayleave-browser", "__Host-wayleave-session", "__Secure-wayleave-return")
	tab.Do(s.answer("ada"), browser.WaitText("Hello, Ada Marsh"))
	if tab.URL() != s.base+long {
		t.Errorf("the login ended at %s", tab.URL())
	}
	checkCookies(t, b.Cookies(t), "__Host-wayleave-browser", "__Host-wayleave-session")

	tab.Do(browser.Click("Sign out"), browser.WaitURL(s.base+"/auth/signed-out"), browser.WaitText("You are signed out"), browser.Screenshot("5-signed-out"))
	checkCookies(t, b.Cookies(t), "__Host-wayleave-browser")
	if s.sessions() != 0 {
		t.Errorf("%d sessions live on", s.sessions())
	}
}

// checkCookies wants exactly these cookies on the app's host, each as strict as
// the flow allows.
func checkCookies(t *testing.T, cookies []*network.Cookie, want ...string) {
	t.Helper()
	left := map[string]bool{}
	for _, name := range want {
		left[name] = true
	}
	for _, c := range cookies {
		name, path := c.Name, "/"
		if base, _, isReturn := strings.Cut(c.Name, "-return-"); isReturn {
			name, path = base+"-return", "/auth/google/"
		}
		switch {
		case strings.HasSuffix(c.Domain, "127.0.0.2"):
			continue // the provider's
		case c.Domain != "app.finance.test" || !left[name]:
			t.Errorf("there is a cookie %s for %s", c.Name, c.Domain)
		case !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != path:
			t.Errorf("cookie %s: Secure %v, HttpOnly %v, SameSite %s, Path %s", c.Name, c.Secure, c.HTTPOnly, c.SameSite, c.Path)
		}
		if strings.HasSuffix(name, "-session") && c.Size >= 200 {
			t.Errorf("the session cookie has %d bytes", c.Size)
		}
		delete(left, name)
	}
	for name := range left {
		t.Errorf("there is no cookie %s", name)
	}
}
