package oauth2proxy_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/oauth2proxy"
)

// Whatever a file holds, ours is accepted by our reader, notes name lines of
// the file, and a secret on a line of its own is not printed.
func FuzzConvert(f *testing.F) {
	const canary = "CANARY-0b5c63"
	for _, seed := range []string{
		minimal, minimal + "email_domains = \"*\"\nskip_auth_routes = [\"GET=^/a(/.*)?$\", \"^/b\"]\n",
		"--provider=oidc --email-domain=* \\\n --upstream http://127.0.0.1:1/x/ --skip-auth-route='^/(a|b)$'\n",
		"OAUTH2_PROXY_PROVIDER=github\nOAUTH2_PROXY_UPSTREAMS=http://a:1,http://b:2/b\n",
		"args:\n- --provider=entra-id\n- --http-address=unix:///x\n", "scope = \"\"\"\nx", "banner = '''\n", "upstreams = [\n", "--scope=\"a \\\n",
		"session_store_type=\"redis\"\nredis_use_sentinel=true\nredis_sentinel_connection_urls=[\"redis://a\",\"rediss://b\"]\n",
		"reverse_proxy=true\ntrusted_proxy_ips=[\"::ffff:1.2.3.4\",\"10.0.0.0/8\"]\nlogin_url=\"http://[::1]:80/x\"\nredeem_url=\"https://a/b\"\n",
		"oidc_issuer_url=\"https://a?b\"\nscope=\"a \\\" b\"\nclient_id=\" \"\noidc_groups_claim=\"a..b\"\ncookie_expire=\"1ns\"\nproxy_prefix=\"/\"\n",
		"provider='keycloak-oidc'\nallowed_roles=['a.b:c','x:']\nallowed_groups=['true','1.0','#','${X}']\nprompt='null'\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		secret := "\nclient_secret = \"" + canary + "\"\n"
		if !strings.Contains(content, " = ") && !strings.Contains(content, "=\"") {
			secret = "\n--client-secret=" + canary + "\n"
		}
		content += secret
		r, err := oauth2proxy.Convert("theirs", []byte(content), nil)
		if err != nil {
			if strings.Contains(err.Error(), canary) {
				t.Fatal("a secret is in the error")
			}
			return
		}
		if bytes.Contains(r.YAML, []byte(canary)) || strings.Contains(told(r.Notes), canary) {
			t.Fatalf("a secret is printed:\n%s\n%s", r.YAML, told(r.Notes))
		}
		for _, n := range r.Notes {
			if n.Line < 0 || n.Line > strings.Count(content, "\n")+1 {
				t.Errorf("line %d of %d", n.Line, strings.Count(content, "\n")+1)
			}
		}
		accepted(t, r.YAML)
	})
}
