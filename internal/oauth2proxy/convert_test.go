package oauth2proxy_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/internal/oauth2proxy"
)

// minimal is what theirs needs at least, but for what a test is about.
const minimal = `
provider = "oidc"
oidc_issuer_url = "https://id.acme.example"
redirect_url = "https://app.example.com/oauth2/callback"
client_id = "app"
client_secret = "CANARY-0123456789"
upstreams = ["http://127.0.0.1:3000"]
`

func convert(t testing.TB, content string, env ...string) (yaml string, notes []oauth2proxy.Note) {
	t.Helper()
	r, err := oauth2proxy.Convert("theirs", []byte(content), env)
	if err != nil {
		t.Fatal(err)
	}
	accepted(t, r.YAML)
	return string(r.YAML), r.Notes
}

func told(notes []oauth2proxy.Note) string {
	var all []string
	for _, n := range notes {
		all = append(all, n.String())
	}
	return strings.Join(all, "\n")
}

// accepted reads ours with our own reader, the secrets being in their places.
func accepted(t testing.TB, yaml []byte) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"client-secret": "s3cret", "store-url": "redis://:secret@127.0.0.1:6379/0"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "wayleave.yaml")
	text := strings.ReplaceAll(string(yaml), "/etc/wayleave/", filepath.ToSlash(dir)+"/")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Read(file, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("our reader refuses what was made:\n%v\n%s", err, yaml)
	}
	return c
}

func TestOptionsOfTheirs(t *testing.T) {
	for _, tc := range []struct {
		name, theirs string
		has          []string // in ours
		hasNot       []string
		says         string // in a note
	}{
		{"everybody", `email_domains = "*"`, []string{"allow: signed_in"}, nil, "email_domains: changed meaning: * is everybody"},
		{"domains", `email_domains = ["acme.example", ".b.example", "*.c.example"]`, []string{`allow: {email_domains: [acme.example, ".b.example", ".c.example"]}`}, nil, ""},
		{"nothing about addresses", ``, []string{"allow: nobody"}, nil, "so nobody is"},
		{"a file of addresses", `authenticated_emails_file = "/etc/emails"`, []string{"allow: nobody"}, []string{"/etc/emails"}, "add a rule on emails"},
		{"a file beside everybody", "email_domains = [\"*\"]\nauthenticated_emails_file = \"/etc/emails\"", []string{"allow: signed_in"}, nil, ""},
		{"groups and domains", "email_domains = [\"acme.example\"]\nallowed_groups = [\"a\", \"b\"]", []string{"allow: {email_domains: [acme.example], groups: [a, b]}"}, nil, ""},
		{"groups or roles", "email_domains = [\"*\"]\nallowed_groups = [\"a\"]\nallowed_roles = [\"admin\", \"app:editor\"]", []string{"- groups: [a]", "- claims: {resource_access.app.roles: [editor]}", "- roles: [admin]", "roles: realm_access.roles"}, nil, "mappers of Keycloak"},
		{"an organisation at GitHub", "provider = \"github\"\nemail_domains = [\"*\"]\ngithub_org = \"acme\"", []string{"github:", "allow: nobody"}, []string{"signed_in"}, "organisations are not in what the login gives"},
		{"a group at Google", "provider = \"google\"\nemail_domains = [\"*\"]\ngoogle_groups = [\"g\"]", []string{"google:", "allow: nobody"}, nil, "google_groups: no equivalent"},
		{"a restriction that cannot be read", "email_domains = [\"*\"]\nallowed_groups = [\"a\"", []string{"allow: nobody"}, []string{"signed_in"}, "its list has no end; until you have written the rule, nobody"},
		{"a restriction of nothing", "email_domains = [\"*\"]\nallowed_groups = [\"\"]", []string{"allow: nobody"}, nil, "only empty values"},
		{"Microsoft, one tenant", "provider = \"entra-id\"\noidc_issuer_url = \"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0\"", []string{"entra:", "tenants: [\"11111111-2222-3333-4444-555555555555\"]"}, []string{"issuer:"}, "xms_edov"},
		{"Microsoft, tenants by name", "provider = \"azure\"\nazure_tenant = \"acme.onmicrosoft.com\"", []string{`tenants: ["00000000-0000-0000-0000-000000000000"]`}, nil, "until then nobody can"},
		{"GitLab", "provider = \"gitlab\"\noidc_issuer_url = \"\"", []string{"issuer: https://gitlab.com"}, nil, ""},
		{"an old Keycloak", "provider = \"keycloak\"\noidc_issuer_url = \"\"\nlogin_url = \"https://kc.example/realms/r/protocol/openid-connect/auth\"", []string{"issuer: https://kc.example/realms/r\n"}, []string{"authorize_url"}, "the issuer is made from it"},
		{"no issuer", "provider = \"bitbucket\"\noidc_issuer_url = \"\"", []string{"issuer: https://id.example.invalid"}, nil, "there is no preset"},
		{"a plain OAuth server", "provider = \"nextcloud\"\noidc_issuer_url = \"\"\nlogin_url = \"https://n.example/a\"\nredeem_url = \"https://n.example/t\"\nprofile_url = \"https://n.example/u\"", []string{"authorize_url: https://n.example/a", "token_url: https://n.example/t", "userinfo_url: https://n.example/u", "subject: userinfo.id"}, nil, "plain OAuth 2.0 server"},
		{"an issuer in a container network", `oidc_issuer_url = "http://keycloak:8080/realms/x"`, []string{"development: {hosts: [keycloak]}"}, nil, ""},
		{"scopes", `scope = "openid email offline_access groups"`, []string{"scopes: [openid, email, groups]"}, []string{"offline_access"}, "offline_access is left out"},
		{"scopes of a preset", "provider = \"github\"\nscope = \"user:email read:org\"", []string{"more_scopes: [read:org]"}, nil, ""},
		{"parameters", "prompt = \"login\"\nacr_values = \"2\"", []string{`auth_params: {acr_values: "2", prompt: login}`}, nil, ""},
		{"a secret in a file", "client_secret_file = \"/etc/wayleave/client-secret\"\nclient_secret = \"\"", []string{"client_secret: file:"}, nil, ""},
		{"several upstreams", `upstreams = ["http://a:1/", "http://b:2/api/", "http://c:3/one", "unix:///run/x.sock"]`, []string{"path: /api/\n    upstream: http://b:2", "exact: /one\n    upstream: http://c:3", "path: /\n    upstream: http://a:1"}, nil, "two have the same path"},
		{"a socket", `upstreams = ["unix:///run/app.sock"]`, []string{"upstream: unix:/run/app.sock"}, nil, ""},
		{"files", `upstreams = ["file:///var/www/#/static/"]`, []string{"trusted_proxies: [127.0.0.1, \"::1\"]"}, []string{"/var/www"}, "files are not served"},
		{"auth_request", "upstreams = [\"static://202\"]\nset_xauthrequest = true\nreverse_proxy = true", []string{"subject: X-Auth-Request-User", "email: X-Auth-Request-Email"}, []string{"upstream:"}, "trusted_proxies lists this machine alone"},
		{"how upstreams are asked", "upstream_timeout = \"90s\"\npass_host_header = false", []string{"upstream: {url: http://127.0.0.1:3000, timeout: 90s, pass_host: false}"}, nil, ""},
		{"the address as user", `prefer_email_to_user = true`, []string{"headers: {email: X-Forwarded-User"}, []string{"X-Forwarded-Email"}, ""},
		{"no headers", "pass_user_headers = false\npass_basic_auth = false", []string{"headers: none"}, nil, ""},
		{"headers of GitHub", `provider = "github"`, []string{"headers: oauth2-proxy"}, nil, "a stable id of the gateway's own"},
		{"tokens for upstreams", "pass_access_token = true\npass_authorization_header = true", []string{"access_token: true", "assertion: app"}, nil, "X-Forwarded-Access-Token"},
		{"preflight", "skip_auth_preflight = true\nemail_domains = [\"*\"]", []string{"- path: /\n    methods: [OPTIONS]\n    upstream: http://127.0.0.1:3000\n    allow: public"}, nil, ""},
		{"an API", "api_routes = [\"^/api/\"]", []string{"- path: /api/\n    upstream: http://127.0.0.1:3000\n    allow: nobody\n    api: true"}, nil, ""},
		{"a method and a path", `skip_auth_routes = ["get=^/health$"]`, []string{"- exact: /health\n    methods: [GET]\n    upstream: http://127.0.0.1:3000\n    allow: public"}, nil, ""},
		{"an expression", `skip_auth_routes = ["^/v[0-9]+/x$"]`, []string{`# Public for theirs: "^/v[0-9]+/x$"`}, []string{"\n    allow: public"}, "stays a comment"},
		{"all but some", `skip_auth_routes = ["!=^/private"]`, []string{`# Public for theirs: "!=^/private"`}, []string{"\n    allow: public"}, "stays a comment"},
		{"everything public", "upstreams = [\"http://a:1/\", \"http://b:2/b/\"]\nskip_auth_regex = [\".*\"]\nemail_domains = [\"*\"]", []string{"path: /b/\n    upstream: http://b:2\n    allow: public", "path: /\n    upstream: http://a:1\n    allow: public"}, []string{"signed_in"}, ""},
		{"below our own pages", `skip_auth_routes = ["^/oauth2/sign_in$"]`, nil, []string{"sign_in"}, ""},
		{"another prefix", "proxy_prefix = \"/login\"\nredirect_url = \"https://app.example.com\"", []string{"base_path: /login", "callback_path: /login/callback"}, nil, ""},
		{"a public address by http", `redirect_url = "http://App.example.com:80/cb"`, []string{"base_url: https://app.example.com:80\n"}, nil, "has to be https"},
		{"no public address", `redirect_url = ""`, []string{"base_url: https://app.example.com\n"}, nil, "replace app.example.com"},
		{"TLS", "tls_cert_file = \"/c.pem\"\ntls_key_file = \"/k.pem\"\nhttps_address = \":8443\"", []string{"listen: \":8443\"", "tls: {certificate: /c.pem, key: /k.pem}"}, nil, ""},
		{"a socket to listen on", `http_address = "unix:///run/w.sock"`, []string{"listen: unix:/run/w.sock"}, nil, ""},
		{"a passed socket", `http_address = "fd:3"`, []string{"listen: systemd:wayleave.socket"}, nil, "sockets of the service manager have names"},
		{"metrics", `metrics_address = "127.0.0.1:9100"`, []string{"health: 127.0.0.1:9100"}, nil, ""},
		{"redis", "session_store_type = \"redis\"\nredis_connection_url = \"rediss://r.example:6380/2\"", []string{"store: rediss://r.example:6380/2"}, nil, ""},
		{"redis with a password", "session_store_type = \"redis\"\nredis_connection_url = \"redis://u:CANARY-99@r.example:6380/2\"", []string{"store: {from_file: /etc/wayleave/store-url}"}, nil, "put redis://USER:PASSWORD@r.example:6380/2 into"},
		{"sentinel", "session_store_type = \"redis\"\nredis_use_sentinel = true\nredis_sentinel_master_name = \"m\"\nredis_sentinel_connection_urls = [\"redis://a:1\", \"redis://b:2\"]", []string{`store: "redis+sentinel://a:1,b:2/m"`}, nil, ""},
		{"cluster", "session_store_type = \"redis\"\nredis_use_cluster = true\nredis_cluster_connection_urls = [\"redis://a:1\", \"redis://b:2\"]", []string{`store: "redis+cluster://a:1,b:2"`}, nil, ""},
		{"a long session", `cookie_expire = "2000h"`, []string{"session: {lifetime: 720h}"}, nil, "30 days are the most"},
		{"no request log", `request_logging = false`, []string{"log: {requests: false}"}, nil, ""},
		{"a logo", `custom_sign_in_logo = "/logo.svg"`, []string{"branding: {logo: /logo.svg}"}, nil, ""},
		{"insecure options", "insecure_oidc_allow_unverified_email = true\nssl_insecure_skip_verify = true", nil, nil, "insecure_oidc_allow_unverified_email: no equivalent: on purpose"},
		{"insecure options that are off", "insecure_oidc_allow_unverified_email = false\nssl_insecure_skip_verify = false", nil, nil, ""},
		{"a slip", `email_domain_s = ["x.example"]`, nil, nil, "not understood: oauth2-proxy 7.15.3 has no such option; the nearest is email_domains"},
		{"set twice", "cookie_expire = \"1h\"\ncookie_expire = \"2h\"", []string{"lifetime: 2h"}, nil, "set twice"},
		{"a variable", `client_id = "${ID}"`, []string{"client_id: CLIENT-ID"}, nil, "a variable"},
		{"trusted proxies", "reverse_proxy = true\ntrusted_proxy_ips = [\"10.0.0.1/8\", \"::/0\"]", []string{"trusted_proxies: [10.0.0.0/8]"}, nil, "a very large one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			theirs := minimal
			for line := range strings.Lines(tc.theirs) { // what a test says replaces the line of minimal
				key, _, _ := strings.Cut(line, " =")
				var kept []string
				for old := range strings.Lines(theirs) {
					if !strings.HasPrefix(old, key+" =") || strings.Contains(tc.name, "twice") {
						kept = append(kept, old)
					}
				}
				theirs = strings.Join(kept, "")
			}
			yaml, notes := convert(t, theirs+tc.theirs)
			for _, want := range tc.has {
				if !strings.Contains(yaml, want) {
					t.Errorf("no %q in\n%s", want, yaml)
				}
			}
			for _, not := range tc.hasNot {
				if strings.Contains(yaml, not) {
					t.Errorf("%q in\n%s", not, yaml)
				}
			}
			if !strings.Contains(told(notes), tc.says) {
				t.Errorf("no %q in\n%s", tc.says, told(notes))
			}
			if strings.Contains(yaml+told(notes), "CANARY") {
				t.Error("a secret is printed")
			}
		})
	}
}

func TestHarmlessValuesNeedNoNote(t *testing.T) {
	_, notes := convert(t, minimal+"ssl_insecure_skip_verify = false\nreverse_proxy = false\ncookie_secure = true\nskip_jwt_bearer_tokens = false\nrequest_logging = true\nping_path = \"/ping\"\n")
	for _, n := range notes {
		if n.Line > 7 {
			t.Error(n)
		}
	}
}

func TestFormsSayTheSame(t *testing.T) {
	want, _ := convert(t, minimal+"email_domains = [\"acme.example\", \"b.example\"]\nreverse_proxy = true\nskip_auth_routes = [\"GET=^/health$\"]\n")
	for name, content := range map[string]string{
		"one line": `oauth2-proxy --provider=oidc --oidc-issuer-url https://id.acme.example --redirect-url="https://app.example.com/oauth2/callback" --client-id app --client-secret=CANARY-0123456789 --upstream=http://127.0.0.1:3000 --email-domain=acme.example --email-domain=b.example --reverse-proxy --skip-auth-route='GET=^/health$'`,
		"a unit": `[Service]
# comment
Environment="OAUTH2_PROXY_CLIENT_SECRET=CANARY-0123456789" OAUTH2_PROXY_CLIENT_ID=app
ExecStart=/usr/bin/oauth2-proxy --provider=oidc \
  --oidc-issuer-url=https://id.acme.example --redirect-url=https://app.example.com/oauth2/callback \
  --upstream=http://127.0.0.1:3000 --email-domain=acme.example,b.example \
  --reverse-proxy=true --skip-auth-route=GET=^/health$
Restart=always`,
		"environment lines": `# of a container
OAUTH2_PROXY_PROVIDER=oidc
export OAUTH2_PROXY_OIDC_ISSUER_URL="https://id.acme.example"
OAUTH2_PROXY_REDIRECT_URL=https://app.example.com/oauth2/callback
OAUTH2_PROXY_CLIENT_ID=app
OAUTH2_PROXY_CLIENT_SECRET=CANARY-0123456789
OAUTH2_PROXY_UPSTREAMS=http://127.0.0.1:3000
OAUTH2_PROXY_EMAIL_DOMAINS=acme.example,b.example
OAUTH2_PROXY_REVERSE_PROXY=true
OAUTH2_PROXY_SKIP_AUTH_ROUTES=GET=^/health$`,
		"compose": `services:
  proxy:
    image: quay.io/oauth2-proxy/oauth2-proxy
    command:
      - --provider=oidc
      - --oidc-issuer-url=https://id.acme.example
      - --redirect-url=https://app.example.com/oauth2/callback
      - --upstream
      - http://127.0.0.1:3000
      - --email-domain=acme.example
      - --email-domain=b.example
    environment:
      OAUTH2_PROXY_CLIENT_ID: app
      OAUTH2_PROXY_CLIENT_SECRET: CANARY-0123456789
      OAUTH2_PROXY_REVERSE_PROXY: "true"
      OAUTH2_PROXY_SKIP_AUTH_ROUTES: GET=^/health$`,
		"Kubernetes": `apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
      - name: oauth2-proxy
        args: ["--provider=oidc", "--oidc-issuer-url=https://id.acme.example", "--upstream=http://127.0.0.1:3000",
          "--email-domain=acme.example,b.example", --reverse-proxy]
        env:
        - name: OAUTH2_PROXY_CLIENT_SECRET
          valueFrom: {secretKeyRef: {name: s, key: k}}
        - name: OAUTH2_PROXY_CLIENT_ID
          value: app
        - {name: OAUTH2_PROXY_REDIRECT_URL, value: "https://app.example.com/oauth2/callback"}
        - {name: OAUTH2_PROXY_SKIP_AUTH_ROUTES, value: "GET=^/health$"}`,
		"values of the Helm chart": `config:
  clientSecret: CANARY-0123456789
extraArgs:
  provider: oidc
  oidc-issuer-url: https://id.acme.example
  redirect-url: https://app.example.com/oauth2/callback
  client-id: app
  upstream: http://127.0.0.1:3000
  email-domain: [acme.example, b.example]
  reverse-proxy: true
  skip-auth-route: GET=^/health$`,
	} {
		t.Run(name, func(t *testing.T) {
			yaml, notes := convert(t, content)
			if yaml != want {
				t.Errorf("got\n%s\nwant\n%s\n%s", yaml, want, told(notes))
			}
			if strings.Contains(yaml+told(notes), "CANARY") {
				t.Error("a secret is printed")
			}
		})
	}
}

func TestWhoseWordCounts(t *testing.T) {
	yaml, _ := convert(t, minimal, "OAUTH2_PROXY_CLIENT_ID=from-environment", "PATH=/bin")
	if !strings.Contains(yaml, "client_id: from-environment") {
		t.Error("the environment does not win over the file")
	}
	yaml, _ = convert(t, "--provider=oidc --client-id=from-flag", "OAUTH2_PROXY_CLIENT_ID=from-environment")
	if !strings.Contains(yaml, "client_id: from-flag") {
		t.Error("the command line does not win over the environment")
	}
}

func TestWhatIsNotConverted(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		want    error
	}{
		"an alpha configuration": {"injectRequestHeaders:\n- name: X\nproviders:\n- id: x\n", oauth2proxy.ErrAlpha},
		"alpha providers":        {"providers:\n- id: x\n  provider: oidc\n", oauth2proxy.ErrAlpha},
		"something else":         {"server {\n listen 80;\n}\n", oauth2proxy.ErrNothing},
		"nothing":                {"", oauth2proxy.ErrNothing},
		"too much":               {strings.Repeat("#", 1<<20+1), oauth2proxy.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := oauth2proxy.Convert("theirs", []byte(tc.content), nil); !errors.Is(err, tc.want) || !strings.HasPrefix(err.Error(), "theirs: ") {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	const canary = "CANARY-5ecret"
	for name, content := range map[string]string{
		"in quotes that do not match":    minimal + "scope = \"openid\nclient_secret = \"" + canary + "\n",
		"on one line of the environment": "OAUTH2_PROXY_SCOPE=openid OAUTH2_PROXY_CLIENT_SECRET=" + canary + "\n",
		"swallowed by a quote":           "--scope=\"openid --client-secret=" + canary + "\" --provider=oidc",
		"glued to its name":              "--provider=oidc --client-secret" + canary,
		"with a colon":                   "--provider=oidc --client-secret:" + canary,
		"behind a hyphen":                "--provider=oidc -client-secret " + canary,
		"in another place too":           minimal + "scope = \"" + canary + "\"\ncookie_secret = \"" + canary + "\"\n",
		"in an address":                  minimal + "login_url = \"https://u:" + canary + "@id.acme.example/x\"\n",
		"in a query":                     minimal + "login_url = \"https://id.acme.example/x?k=" + canary + "\"\n",
		"without quotes":                 minimal + "cookie_secret = " + canary + "\n",
		"in an upstream":                 minimal[:len(minimal)-1] + "\nupstreams = [\"http://u:" + canary + "@a:1/\"]\n",
	} {
		t.Run(name, func(t *testing.T) {
			yaml, notes := convert(t, content)
			if strings.Contains(yaml+told(notes), canary) {
				t.Errorf("printed:\n%s\n%s", yaml, told(notes))
			}
		})
	}
}
