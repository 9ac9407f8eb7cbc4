package devidp

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// DevSecret is the secret of every client while [Options.Clients] is empty.
const DevSecret = "dev-secret"

// Options says what [New] builds. The zero value lacks only Issuer.
type Options struct {
	// Issuer is the provider's identifier and the prefix of all its URLs: http
	// or https, with a host, without trailing slash, query or fragment.
	//
	// Permitted: http://127.0.0.1:9000, https://id.example.test/tenant.
	// Prohibited: http://127.0.0.1:9000/, 127.0.0.1:9000.
	//
	// Requests whose Host differs from the issuer's are answered 421, so that
	// no web page can reach a provider on loopback under a name of its own.
	Issuer string

	// Label is what the pages call the provider. Empty: "Development identity
	// provider".
	Label string

	// Clients are the applications that may ask. Empty: any client id, with the
	// secret [DevSecret], and redirect URIs on loopback.
	Clients []Client

	// People can sign in, in this order on the page. Empty: [DefaultPeople].
	People []Person

	// AccessTokenLifetime is how long an access token works. Zero: ten minutes.
	// Whole seconds only, since that is what expires_in can say.
	AccessTokenLifetime time.Duration

	// SigningAlgorithm signs ID tokens: "RS256" or "ES256". Empty: RS256.
	SigningAlgorithm string

	// LogoutChannels says, for each client id, where that application hears of
	// logouts. URLs must be on loopback.
	LogoutChannels map[string]LogoutChannel

	// Transport carries the requests to back channels. Nil:
	// http.DefaultTransport.
	Transport http.RoundTripper

	// Faults are switched on from the start, by name; see [Faults] and
	// [LogoutFaults].
	Faults []string

	// InsecureAnyRedirect lets clients without registered redirect URIs use any
	// http or https URL, not only loopback. Whoever can make a browser open a
	// link to this provider then receives codes.
	InsecureAnyRedirect bool

	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// LogoutChannel is where an application hears that a session here has ended.
type LogoutChannel struct {
	// BackChannel receives a logout token by POST (OpenID Connect Back-Channel
	// Logout section 2.2). Empty: nothing is sent.
	BackChannel string

	// FrontChannel is shown in a frame of the page at the end of a logout, with
	// iss and sid in its query (OpenID Connect Front-Channel Logout section 2).
	// Empty: no frame.
	FrontChannel string
}

// Client is one registered application.
type Client struct {
	// ID is the client_id. Required.
	ID string

	// Secret is required unless Auth is "none", which must not have one.
	Secret string

	// Name is what the consent page says. Empty: the ID.
	Name string

	// RedirectURIs are compared as exact strings. Empty: any path on 127.0.0.1,
	// [::1] or localhost, any port.
	RedirectURIs []string

	// Auth is the only accepted way to authenticate at the token endpoint:
	// "client_secret_basic", "client_secret_post" or "none" (a public client).
	// Empty: either of the two that use the secret.
	Auth string

	// InsecureNoPKCE accepts authorization requests without code_challenge, for
	// clients that cannot send one. Not permitted for a public client.
	InsecureNoPKCE bool
}

var (
	issuerPath  = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)
	subjectForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,255}$`)
)

// withDefaults returns a copy that shares no memory with the caller's, so that
// later changes to its slices cannot reach a running server.
func (o Options) withDefaults() Options {
	if o.Label == "" {
		o.Label = "Development identity provider"
	}
	if len(o.People) == 0 {
		o.People = DefaultPeople()
	}
	if o.AccessTokenLifetime == 0 {
		o.AccessTokenLifetime = 10 * time.Minute
	}
	if o.SigningAlgorithm == "" {
		o.SigningAlgorithm = "RS256"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	o.LogoutChannels = maps.Clone(o.LogoutChannels)
	o.People = slices.Clone(o.People)
	o.Clients = slices.Clone(o.Clients)
	for i, c := range o.Clients {
		o.Clients[i].RedirectURIs = slices.Clone(c.RedirectURIs)
		if c.Name == "" {
			o.Clients[i].Name = c.ID
		}
	}
	return o
}

// check reports every mistake, not just the first one.
func (o Options) check() error {
	mistakes := []error{checkIssuer(o.Issuer)}
	add := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf(format, args...))
	}
	if o.AccessTokenLifetime < time.Second || o.AccessTokenLifetime%time.Second != 0 {
		add("access token lifetime %v: want whole seconds, at least one", o.AccessTokenLifetime)
	}
	if o.SigningAlgorithm != "RS256" && o.SigningAlgorithm != "ES256" {
		add("signing algorithm %q: want RS256 or ES256", o.SigningAlgorithm)
	}
	clients := map[string]bool{}
	for i, c := range o.Clients {
		if clients[c.ID] {
			add("client %q appears twice", c.ID)
		}
		clients[c.ID] = true
		mistakes = append(mistakes, c.check(i))
	}
	for _, id := range slices.Sorted(maps.Keys(o.LogoutChannels)) {
		for _, uri := range []string{o.LogoutChannels[id].BackChannel, o.LogoutChannels[id].FrontChannel} {
			if u, err := parseRedirectURI(uri); uri != "" && (err != nil || !isLoopback(u.Hostname())) {
				add("client %q: logout channel %q: want http(s)://host[:port]/path on loopback", id, uri)
			}
		}
	}
	subjects := map[string]bool{}
	for _, p := range o.People {
		if !subjectForm.MatchString(p.Subject) {
			add("person %q: subject %q: want 1 to 255 of A-Z a-z 0-9 . _ ~ -", p.Name, p.Subject)
		}
		if subjects[p.Subject] {
			add("subject %q appears twice", p.Subject)
		}
		subjects[p.Subject] = true
	}
	return errors.Join(append(mistakes, checkFaults(o.Faults))...)
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil:
		return fmt.Errorf("issuer: %w", err)
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil:
		return fmt.Errorf("issuer %q: want http(s)://host[:port][/path]", u.Redacted())
	case strings.ContainsAny(issuer, "?#"), strings.HasSuffix(issuer, "/"):
		return fmt.Errorf("issuer %q: want no query, no fragment and no trailing slash", issuer)
	case !issuerPath.MatchString(u.EscapedPath()):
		return fmt.Errorf("issuer %q: want a path of plain segments", issuer)
	}
	return nil
}

func (c Client) check(index int) error {
	var mistakes []error
	add := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("client %q: "+format, append([]any{c.ID}, args...)...))
	}
	if c.ID == "" {
		mistakes = append(mistakes, fmt.Errorf("client %d: ID is empty", index+1))
	}
	switch c.Auth {
	case "", "client_secret_basic", "client_secret_post":
		if c.Secret == "" {
			add(`secret is empty; a public client says Auth: "none"`)
		}
	case "none":
		if c.Secret != "" {
			add("a public client has no secret")
		}
		if c.InsecureNoPKCE {
			add("a public client needs PKCE")
		}
	default:
		add("auth %q: want client_secret_basic, client_secret_post or none", c.Auth)
	}
	for _, uri := range c.RedirectURIs {
		if _, err := parseRedirectURI(uri); err != nil {
			add("%w", err)
		}
	}
	return errors.Join(mistakes...)
}
