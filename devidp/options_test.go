package devidp_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
)

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	_, err := devidp.New(devidp.Options{
		Issuer:              "http://127.0.0.1:9000/",
		AccessTokenLifetime: 1500 * time.Millisecond,
		SigningAlgorithm:    "HS256",
		Faults:              []string{"wrong-nonse"},
		Clients: []devidp.Client{
			{ID: "web"},
			{ID: "web", Secret: "s", RedirectURIs: []string{"/cb", "https://app.example/cb#x"}},
			{Secret: "s", Auth: "private_key_jwt"},
			{ID: "native", Secret: "s", Auth: "none", InsecureNoPKCE: true},
		},
		People: []devidp.Person{{Subject: "a b", Name: "Spaced"}, {Subject: "x"}, {Subject: "x"}},
	})
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`issuer "http://127.0.0.1:9000/": want no query, no fragment and no trailing slash`,
		`access token lifetime 1.5s: want whole seconds, at least one`,
		`signing algorithm "HS256": want RS256 or ES256`,
		`client "web": secret is empty; a public client says Auth: "none"`,
		`client "web" appears twice`,
		`client "web": redirect URI "/cb": want http(s)://host[:port]/path without fragment`,
		`client "web": redirect URI "https://app.example/cb#x": want http(s)://host[:port]/path without fragment`,
		`client 3: ID is empty`,
		`client "": auth "private_key_jwt": want client_secret_basic, client_secret_post or none`,
		`client "native": a public client has no secret`,
		`client "native": a public client needs PKCE`,
		`person "Spaced": subject "a b": want 1 to 255 of A-Z a-z 0-9 . _ ~ -`,
		`subject "x" appears twice`,
		`unknown fault "wrong-nonse"`,
	}
	if got := err.Error(); got != strings.Join(want, "\n") {
		t.Errorf("got:\n%s", got)
	}
}

func TestIssuers(t *testing.T) {
	for issuer, want := range map[string]string{
		"http://127.0.0.1:9000":            "",
		"https://id.example.test/tenant/1": "",
		"http://[::1]:9000":                "",
		"":                                 `issuer "": want http(s)://host[:port][/path]`,
		"127.0.0.1:9000":                   `issuer: parse "127.0.0.1:9000": first path segment in URL cannot contain colon`,
		"ftp://host":                       `issuer "ftp://host": want http(s)://host[:port][/path]`,
		"http://user:pass@host":            `issuer "http://user:xxxxx@host": want http(s)://host[:port][/path]`,
		"http://host?x":                    `issuer "http://host?x": want no query, no fragment and no trailing slash`,
		"http://host#":                     `issuer "http://host#": want no query, no fragment and no trailing slash`,
		"http://host/{x}":                  `issuer "http://host/{x}": want a path of plain segments`,
		"http://host//x":                   `issuer "http://host//x": want a path of plain segments`,
	} {
		_, err := devidp.New(devidp.Options{Issuer: issuer})
		got := ""
		if err != nil {
			got = err.Error()
		}
		equal(t, issuer, got, want)
	}
}

func TestListenAddressAllowed(t *testing.T) {
	for addr, loopback := range map[string]bool{
		"127.0.0.1:9000": true, "127.9.9.9:0": true, "[::1]:9000": true, "localhost:9000": true, "[::ffff:127.0.0.1]:1": true,
		":9000": false, "0.0.0.0:9000": false, "[::]:9000": false, "192.168.1.5:9000": false, "host.example:9000": false,
	} {
		err := devidp.ListenAddressAllowed(addr, false)
		equal(t, addr, err == nil, loopback)
		if err != nil && !strings.Contains(err.Error(), "is not loopback, and whoever reaches this provider can sign in as anyone: use 127.0.0.1") {
			t.Errorf("%s: %v", addr, err)
		}
		if err := devidp.ListenAddressAllowed(addr, true); err != nil {
			t.Errorf("%s, any host: %v", addr, err)
		}
	}
	for _, anyHost := range []bool{false, true} {
		err := devidp.ListenAddressAllowed("9000", anyHost)
		if err == nil || !strings.HasPrefix(err.Error(), `listen address "9000": want host:port, such as 127.0.0.1:9000`) {
			t.Errorf("unexpected error %v", err)
		}
	}
}

func TestLaterChangesToTheOptionsDoNotReachTheServer(t *testing.T) {
	uris := []string{callback}
	clients := []devidp.Client{{ID: "finance-tracker", Secret: devidp.DevSecret, RedirectURIs: uris}}
	a := newApp(t, func(o *devidp.Options) { o.Clients = clients })
	uris[0], clients[0].ID = "https://evil.example/", "changed"
	equal(t, "status", a.tokens().status, http.StatusOK)
}

func TestOtherHostsAreNotAnswered(t *testing.T) {
	a := newApp(t)
	for host, status := range map[string]int{
		"rebound.evil.example": http.StatusMisdirectedRequest,
		"127.0.0.1":            http.StatusMisdirectedRequest,
		"":                     http.StatusMisdirectedRequest,
		strings.TrimPrefix(a.idp.Issuer(), "http://"): http.StatusOK,
	} {
		request, err := http.NewRequest(http.MethodGet, "http://"+host+"/jwks", nil)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, host, record(a.idp, request).Code, status)
	}
	implied, err := devidp.New(devidp.Options{Issuer: "https://ID.example.test:443"})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, "https://id.example.test/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "implied port", record(implied, request).Code, http.StatusOK)
}
