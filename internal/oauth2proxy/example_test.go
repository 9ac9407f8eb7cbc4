package oauth2proxy_test

import (
	"fmt"

	"github.com/wayleave/wayleave/internal/oauth2proxy"
)

func Example() {
	theirs := `
provider = "oidc"
oidc_issuer_url = "https://id.acme.example"
redirect_url = "https://app.example.com/oauth2/callback"
client_id = "app"
client_secret = "not shown"
email_domains = ["acme.example"]
upstreams = ["http://127.0.0.1:3000"]
reverse_proxy = false
session_store_type = "redis"
redis_connection_url = "redis://127.0.0.1:6379"
cookie_expire = "24h"
`
	ours, err := oauth2proxy.Convert("oauth2-proxy.cfg", []byte(theirs), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(ours.YAML))
	for _, n := range ours.Notes {
		fmt.Println(n)
	}

	// Output:
	// # Our configuration for that of oauth2-proxy. Read the notes that came with it,
	// # put the secrets in their places, and then: wayleave check --config FILE
	// listen: 127.0.0.1:4180
	// base_url: https://app.example.com
	// base_path: /oauth2
	// keys: /etc/wayleave/keys # wayleave keys new /etc/wayleave/keys
	// store: redis://127.0.0.1:6379
	// providers:
	//   oidc:
	//     client_id: app
	//     client_secret: file:/etc/wayleave/client-secret
	//     issuer: https://id.acme.example
	//     callback_path: /oauth2/callback
	// routes:
	//   - path: /
	//     upstream: http://127.0.0.1:3000
	//     allow: {email_domains: [acme.example]}
	//     headers: {subject: X-Forwarded-User, email: X-Forwarded-Email, name: X-Forwarded-Preferred-Username, groups: X-Forwarded-Groups}
	// trusted_proxies: []
	// health: 127.0.0.1:8002
	// session: {lifetime: 24h}
	// pass_user_headers: changed meaning: the address is sent only if it is verified; the preferred username is the name that people are called by; without value a header is empty, not absent
	// line 6: client_secret: changed meaning: it is not printed: put it into /etc/wayleave/client-secret, mode 0600
	// line 12: cookie_expire: changed meaning: at most 30 days, whatever the person does; a session also ends after session.idle without requests, by default 1h
}
