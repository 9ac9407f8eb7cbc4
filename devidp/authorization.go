package devidp

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// authorization is one valid authorization request (OpenID Connect Core
// section 3.1.2.1).
type authorization struct {
	client      Client
	redirectURI string
	state       string
	nonce       string
	challenge   string
	scopes      []string
	prompts     []string
	maxAge      time.Duration // negative: not asked for
	offline     bool          // a refresh token is wanted
	loginHint   string
}

// answerTo says where the response to an authorization request goes. It exists
// only once client and redirect URI are known to be good.
type answerTo struct {
	redirectURI string
	state       string
}

// oauthError is an error for the client, in the words of RFC 6749 section
// 4.1.2.1 and OpenID Connect Core section 3.1.2.6.
type oauthError struct {
	code        string
	description string
}

var (
	hostForm      = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)
	printable     = regexp.MustCompile(`^[!-~]+$`)
	challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	promptValues  = []string{"none", "login", "consent", "select_account"}
)

// trusted checks what must be right before anything is sent back by redirect
// (RFC 6749 section 4.1.2.1): the error is for the person at the browser.
func (s *Server) trusted(params url.Values) (Client, string, error) {
	for _, name := range []string{"client_id", "redirect_uri"} {
		if len(params[name]) > 1 {
			return Client{}, "", fmt.Errorf("the parameter %s appears more than once", name)
		}
		if params.Get(name) == "" {
			return Client{}, "", fmt.Errorf("the parameter %s is missing", name)
		}
	}
	client, ok := s.client(params.Get("client_id"))
	if !ok {
		return Client{}, "", errors.New("no application is registered under this client_id")
	}
	redirectURI := params.Get("redirect_uri")
	if len(client.RedirectURIs) > 0 {
		if !slices.Contains(client.RedirectURIs, redirectURI) {
			return Client{}, "", errors.New("the redirect_uri is not one that is registered for this application; they are compared character by character")
		}
		return client, redirectURI, nil
	}
	u, err := parseRedirectURI(redirectURI)
	switch {
	case err != nil:
		return Client{}, "", err
	case !isLoopback(u.Hostname()) && !s.options.InsecureAnyRedirect:
		return Client{}, "", errors.New("the redirect_uri must be on 127.0.0.1, [::1] or localhost, because none is registered for this application")
	}
	return client, redirectURI, nil
}

// client finds a registered client, or makes one up while none is registered.
func (s *Server) client(id string) (Client, bool) {
	if len(s.options.Clients) == 0 {
		return Client{ID: id, Name: id, Secret: DevSecret}, id != ""
	}
	i := slices.IndexFunc(s.options.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return Client{}, false
	}
	return s.options.Clients[i], true
}

// parseRedirectURI is stricter than url.Parse, because the URI is copied into
// two headers: Location, and (its origin) Content-Security-Policy.
func parseRedirectURI(uri string) (*url.URL, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !hostForm.MatchString(u.Host) || u.User != nil ||
		strings.Contains(uri, "#") || !printable.MatchString(uri) {
		return nil, fmt.Errorf("redirect URI %q: want http(s)://host[:port]/path without fragment", uri)
	}
	return u, nil
}

// readAuthorization checks the rest, whose errors go back to the client.
func readAuthorization(params url.Values, client Client, redirectURI string) (authorization, *oauthError) {
	invalid := func(format string, args ...any) (authorization, *oauthError) {
		return authorization{}, &oauthError{"invalid_request", fmt.Sprintf(format, args...)}
	}
	if name := repeated(params); name != "" {
		return invalid("a parameter appears more than once")
	}
	switch params.Get("response_type") {
	case "code":
	case "":
		return invalid("response_type is missing")
	default:
		return authorization{}, &oauthError{"unsupported_response_type", "only response_type=code is supported"}
	}
	if mode := params.Get("response_mode"); mode != "" && mode != "query" {
		return invalid("only response_mode=query is supported")
	}
	if params.Get("request") != "" {
		return authorization{}, &oauthError{"request_not_supported", "request objects are not supported"}
	}
	if params.Get("request_uri") != "" {
		return authorization{}, &oauthError{"request_uri_not_supported", "request_uri is not supported"}
	}
	a := authorization{
		client:      client,
		redirectURI: redirectURI,
		state:       params.Get("state"),
		nonce:       params.Get("nonce"),
		challenge:   params.Get("code_challenge"),
		scopes:      knownScopes(params.Get("scope")),
		prompts:     strings.Fields(params.Get("prompt")),
		loginHint:   params.Get("login_hint"),
	}
	if len(a.scopes) == 0 {
		return authorization{}, &oauthError{"invalid_scope", "scope names nothing that this provider knows"}
	}
	if problem := checkPKCE(params, client); problem != "" {
		return invalid("%s", problem)
	}
	if slices.ContainsFunc(a.prompts, func(p string) bool { return !slices.Contains(promptValues, p) }) {
		return invalid("prompt has an unknown value")
	}
	if slices.Contains(a.prompts, "none") && len(a.prompts) > 1 {
		return invalid("prompt=none stands alone")
	}
	var ok bool
	if a.maxAge, ok = readMaxAge(params); !ok {
		return invalid("max_age must be a whole number of seconds")
	}
	switch params.Get("access_type") {
	case "", "online":
		a.offline = slices.Contains(a.scopes, "offline_access")
	case "offline":
		a.offline = true
	default:
		return invalid("access_type must be online or offline")
	}
	return a, nil
}

func checkPKCE(params url.Values, client Client) string {
	challenge := params.Get("code_challenge")
	switch {
	case challenge == "" && params.Get("code_challenge_method") != "":
		return "code_challenge_method came without code_challenge"
	case challenge == "" && client.InsecureNoPKCE:
		return ""
	case challenge == "":
		return "code_challenge is missing: this provider demands PKCE"
	case params.Get("code_challenge_method") != "S256": // absent means plain (RFC 7636 section 4.3)
		return "code_challenge_method must be S256"
	case !challengeForm.MatchString(challenge):
		return "code_challenge is not the base64url form of a SHA-256 hash"
	}
	return ""
}

func readMaxAge(params url.Values) (time.Duration, bool) {
	if params.Get("max_age") == "" {
		return -1, true
	}
	seconds, err := strconv.ParseUint(params.Get("max_age"), 10, 31)
	return time.Duration(seconds) * time.Second, err == nil
}

// permissions are what a person is asked for. Keeping access while away is one
// of them however the client asked for it.
func (a authorization) permissions() []string {
	if a.offline && !slices.Contains(a.scopes, "offline_access") {
		return append(slices.Clone(a.scopes), "offline_access")
	}
	return a.scopes
}

func (a authorization) prompted(value string) bool { return slices.Contains(a.prompts, value) }

// origin is the application's, as CSP and the pages need it.
func (a authorization) origin() string {
	return originOf(a.redirectURI)
}
