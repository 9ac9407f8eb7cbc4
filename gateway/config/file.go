package config

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/wayleave/wayleave/oauth"
)

// fileShape is a whole file. A key that others look at stands before them.
var fileShape = object("the top of the file", "a map", []key[written]{
	at("listen", address(), func(c *written) *Address { return &c.Listen },
		"Where browsers, or the proxy in front, come in.").or("127.0.0.1:8000"),
	at("tls", tlsShape, func(c *written) *TLS { return &c.TLS },
		"Serve TLS with this certificate. Without it the listener speaks plain HTTP, for a proxy in front."),
	at("base_url", baseURL(), func(c *written) *string { return &topSite(c).BaseURL },
		"The public address of the app, as browsers see it. For one site; for several see `sites`."),
	at("base_path", basePath(), func(c *written) *string { return &topSite(c).BasePath },
		"Where the sign-in pages are.").says("/auth"),
	at("home", homePath(), func(c *written) *string { return &topSite(c).Home },
		"Where people go who asked for no page.").says("/"),
	at("branding", brandingShape, func(c *written) *Branding { return &topSite(c).Branding },
		"How the sign-in pages look."),
	at("keys", list(filePath("the path of a key file"), 1), func(c *written) *[]string { return &c.Keys },
		"The key file, made by `wayleave keys new FILE`, or several: the first key of the first file seals, all open. Needed with every store but `memory`."),
	storeKey(),
	at("providers", providersShape, func(c *written) *[]Provider { return &c.Providers },
		"With whom people sign in, each under a name of your choice; the sign-in page lists them in this order.").must(),
	at("trusted_proxies", list(trusted(), 0), func(c *written) *[]peer { return &c.peers },
		"Proxies in front, which may say for whom they speak. Forward-auth needs one. Nobody is trusted by default."),
	at("forward_auth", boolean(), func(c *written) *bool { return &topSite(c).ForwardAuth }, forwardAuthDoc).says("true where a route has no upstream"),
	at("routes", routesShape, func(c *written) *[]Route { return &topSite(c).Routes },
		"Who may use which paths, and what serves them. The first route whose path and method fit decides; what none fits is refused."),
	at("sites", list(siteShape, 1), func(c *written) *[]Site { return &c.sites },
		"Several sites, instead of `base_url` and `routes` at the top."),
	at("health", address(), func(c *written) *Address { return &c.Health },
		"An address of its own for /livez, /readyz and /metrics. Off by default."),
	at("admin", socket(), func(c *written) *Address { return &c.Admin },
		"A unix socket for `wayleave sessions` and `wayleave keys list`. Off by default."),
	at("session", sessionShape, func(c *written) *Session { return &c.Session }, "How long a session lasts."),
	at("limits", limitsShape, func(c *written) *Limits { return &c.Limits }, "What one client can cost."),
	at("log", logShape, func(c *written) *Log { return &c.Log }, "What is logged, to the standard output."),
}, checkFile)

const forwardAuthDoc = "Answer a proxy that has the requests and asks about each, also where all routes have an upstream. Such answers can hold the user's access token: the proxy must not pass on `/auth/verify/`."

// written is a Config while it is read.
type written struct {
	*Config
	sites []Site // the key sites
	peers []peer // trusted_proxies
}

// topSite is the site that the top of the file describes.
func topSite(c *written) *Site {
	if len(c.Sites) == 0 {
		c.Sites = []Site{{}}
	}
	return &c.Sites[0]
}

var tlsShape = object("tls", "a map with certificate and key", []key[TLS]{
	at("certificate", filePath("the path of a PEM file"), func(t *TLS) *string { return &t.Certificate },
		"PEM file with the certificate and those between it and the root. Read again when it changes.").must(),
	at("key", filePath("the path of a PEM file"), func(t *TLS) *string { return &t.Key },
		"PEM file with its private key.").must(),
}, nil)

var storeRE = regexp.MustCompile(`^(memory|memory:|file:.+|rediss?(\+[a-z]+)*://.+|postgres(ql)?://.+)$`)

// storeKey: the URL may hold a password, so that no message repeats it.
func storeKey() key[written] {
	const what = "memory, file:PATH, redis://… or postgres://…"
	sh := scalar(what, pattern(storeRE.String(), "file:/var/lib/wayleave/wayleave.db", "redis://127.0.0.1:6379/0", "postgres://wayleave@db.internal/wayleave"), func(text string) (string, *fault) {
		if !storeRE.MatchString(text) {
			return "", &fault{cure: "memory forgets all sessions when the process ends; a file is for one process"}
		}
		return text, nil
	})
	k := at("store", shape[oauth.Secret]{form: sh.form}, func(c *written) *oauth.Secret { return &c.Store },
		"Where sessions are kept: `memory`, which forgets them when the process ends; `file:PATH`, for one process; `redis://…` or `postgres://…`, for several. A URL with a password is better taken from `{from_file: PATH}` or `{from_env: NAME}`.").must()
	k.read = func(d *decoder, n *yaml.Node, path string, c *written) {
		d.hide(d.open(n, path))
		var written string
		if sh.read(d, n, path, &written); written == "" {
			return
		}
		if u, err := url.Parse(written); err == nil && !isFetched(n) && u.User != nil {
			if _, password := u.User.Password(); password {
				d.warn(n, path, "the password of the store stands in this file", "write {from_file: PATH} or {from_env: NAME}")
			}
		}
		c.Store = oauth.NewSecret(d.storeURL(written))
	}
	return k
}

// storeURL makes the path of a file absolute, as a URL.
func (d *decoder) storeURL(written string) string {
	if written == "memory" {
		return "memory:"
	}
	if name, ok := strings.CutPrefix(written, "file:"); ok && !filepath.IsAbs(name) {
		escape := strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23")
		return "file:" + filepath.ToSlash(filepath.Join(escape.Replace(d.dir), name))
	}
	return written
}

var sessionShape = object("session", "a map", []key[Session]{
	at("idle", duration(), func(s *Session) *time.Duration { return &s.Idle },
		"How long a session lasts without requests.").says("1h"),
	at("lifetime", duration(), func(s *Session) *time.Duration { return &s.Lifetime },
		"How long a session lasts in any case; at most 30d.").says("12h"),
	at("per_user", count(), func(s *Session) *int { return &s.PerUser },
		"How many sessions one user can have; with one more, the oldest ends.").or("100"),
	at("logout_here_only", boolean(), func(s *Session) *bool { return &s.LogoutHereOnly },
		"Sign people out here only, and not at the provider.").or("false"),
}, checkSession).with(func(s *Session) { s.Idle, s.Lifetime = time.Hour, 12*time.Hour })

func checkSession(d *decoder, f found, s *Session) {
	if s.Idle == 0 {
		s.Idle = min(time.Hour, cmp.Or(s.Lifetime, time.Hour))
	}
	if s.Lifetime == 0 {
		s.Lifetime = max(12*time.Hour, s.Idle)
	}
	const most = 30 * 24 * time.Hour
	switch {
	case !f.clean:
	case s.Idle < time.Second:
		n, path := f.at("idle")
		d.bad(n, path, "is less than a second", "")
	case s.Idle > s.Lifetime:
		n, path := f.at("idle")
		d.bad(n, path, fmt.Sprintf("is longer than lifetime (%v)", s.Lifetime), "")
	case s.Lifetime > most:
		n, path := f.at("lifetime")
		d.bad(n, path, "is longer than 30d", "")
	}
}

var limitsShape = object("limits", "a map", []key[Limits]{
	at("header", headerSize(), func(l *Limits) *int { return &l.Header }, "The request line and the header.").or("32KiB"),
	at("body", size(true), func(l *Limits) *int64 { return &l.Body }, "A request's body.").or("100MiB"),
	at("header_time", duration(), func(l *Limits) *time.Duration { return &l.HeaderTime }, "How long the header may take.").or("10s"),
	at("body_time", duration(), func(l *Limits) *time.Duration { return &l.BodyTime }, "How long a body may make no progress.").or("30s"),
	at("idle", duration(), func(l *Limits) *time.Duration { return &l.Idle }, "How long a connection is kept without requests.").or("2m"),
	at("upgraded", duration(), func(l *Limits) *time.Duration { return &l.Upgraded }, "The longest life of a WebSocket.").or("12h"),
	at("logins", rate(), func(l *Limits) *float64 { return &l.Logins }, "Logins completed, for each address; ten times as many at once. One that is begun costs nothing.").or("50/s"),
	at("drain", duration(), func(l *Limits) *time.Duration { return &l.Drain }, "How long requests under way may take when the process ends.").or("30s"),
}, nil)

var logShape = object("log", "a map", []key[Log]{
	at("level", oneOf("debug", "info", "warn", "error"), func(l *Log) *string { return &l.Level }, "The least that is logged.").or("info"),
	at("format", oneOf("json", "text"), func(l *Log) *string { return &l.Format }, "For machines or for people.").or("json"),
	at("requests", boolean(), func(l *Log) *bool { return &l.Requests }, "One line for each request.").or("true"),
	at("emails", boolean(), func(l *Log) *bool { return &l.Emails }, "E-mail addresses in clear.").or("false"),
}, nil)
