package oauth2proxy_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// values are such as people write, by mistake too.
var values = []string{
	"", " ", "true", "false", "null", "1.0", "0x10", "-", "*", "#x", "a: b", "- a", "[x", "{}", "'", "\"", "\\", "${X}", "ü", "x\u2028y", "a,b", ",", "&a", "!b", "%", "@",
	"admin", "client:role", "a.b:c", ":", "acme.example", ".acme.example", "*.acme.example", "localhost", "groups", "realm_access.roles", "a..b", "https://acme.example/groups",
	"1h", "0", "90s", "-1h", "1ns", "9999h", "2.5h", "/", "/x", "/x/", "//x", "/a/../b", "/ü", "/oauth2", "/auth/login", "x", "unix:///run/x.sock", "unix://x", "fd:3",
	":443", "127.0.0.1:80", "[::1]:80", "1.2.3.4", "10.0.0.0/8", "::ffff:1.2.3.4/120", "0.0.0.0/0", "host:0", "host:08080", "host:99999", "host:http",
	"http://a", "https://a", "http://a:1/", "http://A:1/x", "https://u:p@a/", "https://a/?q=1", "https://a/#f", "https://a:/", "https://a:443", "http://10.0.0.5/x", "https://[::1]:8443/x/", "https://a b/", "https://a/%2e%2e/", "http://a:1/%2F/",
	"http://localhost:9000", "https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", "https://accounts.google.com",
	"http://kc:8080/realms/r/protocol/openid-connect/auth", "redis://r:6379/1", "redis://:p@r", "rediss://r", "redis://r/x", "static://202", "file:///x", "h2c://a:1",
	"google", "github", "azure", "entra-id", "oidc", "keycloak-oidc", "keycloak", "gitlab", "bitbucket", "login.gov", "nextcloud", "Gitea", "cookie", "redis",
	"^/health$", "GET=^/x", "^/a|^/b", "!=^/x", "get!=^/", ".*", "^/(a|b)(/.*)?$", "^/api/", "=", "GET=", "^/oauth2/x$", "(", "^/a b$", "^/x,y$",
	"openid email", "openid", "user:email read:org", "offline_access", "login consent", "query", "form_post",
}

// Whatever is set to whatever, our reader accepts what is made of it, and a
// restriction that is there never becomes a way in.
func TestAnythingIsAccepted(t *testing.T) {
	raw, err := os.ReadFile("testdata/options-7.15.3.txt")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) == 2 && f[1] != "-" {
			keys = append(keys, f[1])
		}
	}
	rounds, _ := strconv.Atoi(os.Getenv("WAYLEAVE_ROUNDS"))
	for round := range max(rounds, 150) {
		r := rand.New(rand.NewPCG(7, uint64(round)))
		pick := func() string { return strconv.Quote(values[r.IntN(len(values))]) }
		var b strings.Builder
		fmt.Fprintf(&b, "client_secret = \"CANARY-%d\"\n", round)
		seen := map[string]bool{"client_secret": true}
		for range 1 + r.IntN(40) {
			key := keys[r.IntN(len(keys))]
			if r.IntN(3) == 0 { // those of which more is made
				key = []string{"provider", "oidc_issuer_url", "login_url", "redeem_url", "redirect_url", "upstreams", "skip_auth_routes", "email_domains", "scope", "http_address", "reverse_proxy", "api_routes", "session_store_type", "proxy_prefix"}[r.IntN(14)]
			}
			if seen[key] {
				continue
			}
			seen[key] = true
			value := pick()
			if strings.HasSuffix(key, "s") && r.IntN(2) == 0 {
				value = "[" + pick() + ", " + pick() + ", " + pick() + "]"
			}
			fmt.Fprintf(&b, "%s = %s\n", key, value)
		}
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			yaml, notes := convert(t, b.String())
			if strings.Contains(yaml+told(notes), "CANARY") {
				t.Error("a secret is printed")
			}
			if t.Failed() {
				t.Log(b.String())
			}
		})
	}
}
