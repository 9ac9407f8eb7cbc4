// Package vendorfakes holds providers on loopback that answer as large vendors
// do, with their deviations from the standards, for tests that run a whole
// login. What they answer was written by hand after the vendors' documentation.
//
//	google := vendorfakes.NewGoogle(t)
//	google.Change(func(b *vendorfakes.GoogleBehaviour) { b.Cancel = true })
//
// Their authorization endpoints ask nobody: what the person does there is part
// of the behaviour, and the answer is a redirect at once.
//
// The package imports nothing of this module, so that a mistake in the one
// cannot hide in the other.
package vendorfakes

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The registration that all fakes know. The secret needs encoding.
const (
	ClientID     = "client-1.apps.example"
	ClientSecret = "GOCSPX-s3cret/+=&%"
)

// Request is one request that a fake got.
type Request struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
	Form         url.Values
	Body         string
}

// server is what all fakes have in common.
type server struct {
	// URL is where the fake listens, without slash at the end.
	URL string

	mu       sync.Mutex
	requests []Request
	codes    map[string]*grant // by code
	access   map[string]*grant // by access token
	refresh  map[string]*grant // by refresh token
}

// grant is what a person allowed.
type grant struct {
	redirectURI, challenge, nonce string
	scopes                        []string
	offline                       bool
	account                       any // as it was when the person allowed it
}

func newServer(t testing.TB, handler http.Handler) *server {
	t.Helper()
	s := &server{codes: map[string]*grant{}, access: map[string]*grant{}, refresh: map[string]*grant{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.record(r)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// record remembers a request and parses its form.
func (s *server) record(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	_ = r.ParseForm() // a form that cannot be parsed is an empty one
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.URL.Query(), r.Header.Clone(), r.PostForm, string(body)})
}

// Requests returns the requests to a path, in the order in which they came.
func (s *server) Requests(path string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.requests), func(r Request) bool { return r.Path != path })
}

// issueCode remembers a grant under a new code. Codes need encoding.
func (s *server) issueCode(g *grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := "4/0A+" + rand.Text()
	s.codes[code] = g
	return code
}

// redeem returns the grant of a code, once, or the reason why not.
func (s *server) redeem(form url.Values) (g *grant, problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := form.Get("code")
	g = s.codes[code]
	delete(s.codes, code)
	switch {
	case g == nil:
		return nil, "code"
	case g.redirectURI != form.Get("redirect_uri"):
		return nil, "redirect_uri"
	case g.challenge != "" && g.challenge != challengeOf(form.Get("code_verifier")):
		return nil, "code_verifier"
	}
	return g, ""
}

// issue remembers a grant under a new token.
func (s *server) issue(tokens map[string]*grant, prefix string, g *grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := prefix + rand.Text()
	tokens[token] = g
	return token
}

// granted returns the grant of a token.
func (s *server) granted(tokens map[string]*grant, token string) *grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return tokens[token]
}

// spend returns the grant of a token that works once.
func (s *server) spend(tokens map[string]*grant, token string) *grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := tokens[token]
	delete(tokens, token)
	return g
}

// asked reads an authorization request; problem says what a vendor would
// complain about on a page of its own.
func asked(q url.Values) (g *grant, problem string) {
	u, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("client_id") != ClientID:
		return nil, "invalid_client"
	case err != nil || u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost":
		return nil, "redirect_uri_mismatch"
	case q.Get("response_type") != "code", q.Has("code_challenge") && q.Get("code_challenge_method") != "S256":
		return nil, "invalid_request"
	}
	return &grant{redirectURI: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), scopes: strings.Fields(q.Get("scope"))}, ""
}

// sendBack redirects the browser to the client.
func sendBack(w http.ResponseWriter, r *http.Request, g *grant, params url.Values) {
	params.Set("state", r.URL.Query().Get("state"))
	http.Redirect(w, r, g.redirectURI+"?"+params.Encode(), http.StatusFound)
}

// clientMatches accepts the registered client by header or body, not both.
func clientMatches(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		return id == ClientID && secret == ClientSecret && !r.PostForm.Has("client_secret")
	}
	return r.PostForm.Get("client_id") == ClientID && r.PostForm.Get("client_secret") == ClientSecret
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return token
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

func page(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!doctype html><title>Error</title><p>"+text) // the client has gone
}

type object = map[string]any
