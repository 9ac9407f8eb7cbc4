package devidp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/devidp/robot"
)

const (
	callback = "http://localhost:8000/auth/google/callback"
	verifier = "a-verifier-of-at-least-forty-three-characters.~_"
	allScope = "openid email profile transactions.read"
)

// app is the client side of these tests: deliberately simple, and written
// against the standards rather than against the provider.
type app struct {
	t       testing.TB
	idp     *devidp.Server
	browser *robot.Browser
}

// newApp starts a provider with ECDSA keys, which are quick to make.
func newApp(t testing.TB, configure ...func(*devidp.Options)) *app {
	es256 := func(o *devidp.Options) { o.SigningAlgorithm = "ES256" }
	idp := devidptest.New(t, append([]func(*devidp.Options){es256}, configure...)...)
	return &app{t, idp, robot.New(nil)}
}

// with returns a copy of defaults with pairs of name and value set; an empty
// value removes the name.
func with(defaults url.Values, pairs ...string) url.Values {
	changed := url.Values{}
	maps.Copy(changed, defaults)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			changed.Del(pairs[i])
		} else {
			changed.Set(pairs[i], pairs[i+1])
		}
	}
	return changed
}

func (a *app) authorization(pairs ...string) string {
	hash := sha256.Sum256([]byte(verifier))
	return a.idp.Issuer() + "/authorize?" + with(url.Values{
		"response_type":         {"code"},
		"client_id":             {"finance-tracker"},
		"redirect_uri":          {callback},
		"scope":                 {allScope},
		"state":                 {"a state & more"},
		"nonce":                 {"a-nonce"},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(hash[:])},
		"code_challenge_method": {"S256"},
	}, pairs...).Encode()
}

// login signs Ada in and allows; it returns the parameters of the callback.
func (a *app) login(pairs ...string) url.Values {
	a.t.Helper()
	return a.arrive(a.browser.SignIn(a.authorization(pairs...), "ada", true))
}

func (a *app) arrive(location string, err error) url.Values {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
	u, err := url.Parse(location)
	if err != nil {
		a.t.Fatal(err)
	}
	return u.Query()
}

// answer is what came back from an endpoint.
type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any // nil when the body is no JSON object
}

func (r answer) text(name string) string {
	s, _ := r.json[name].(string)
	return s
}

func (a *app) do(request *http.Request) answer {
	a.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	r := answer{status: response.StatusCode, header: response.Header, body: string(body)}
	_ = json.Unmarshal(body, &r.json)
	return r
}

func (a *app) get(path string, headers ...string) answer {
	a.t.Helper()
	request := httptest.NewRequest(http.MethodGet, a.idp.Issuer()+path, nil)
	request.RequestURI = ""
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	return a.do(request)
}

func (a *app) bearer(path, token string) answer {
	a.t.Helper()
	return a.get(path, "Authorization", "Bearer "+token)
}

// post sends a form as the client finance-tracker, or as headers say.
func (a *app) post(form url.Values, headers ...string) answer {
	a.t.Helper()
	request := httptest.NewRequest(http.MethodPost, a.idp.Issuer()+"/token", strings.NewReader(form.Encode()))
	request.RequestURI = ""
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(headers) == 0 {
		request.SetBasicAuth("finance-tracker", devidp.DevSecret)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	return a.do(request)
}

func exchange(code string) url.Values {
	return url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {callback},
		"code_verifier": {verifier},
	}
}

func refreshing(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// tokens runs a whole login and returns the token answer, which must be good.
func (a *app) tokens(pairs ...string) answer {
	a.t.Helper()
	r := a.post(exchange(a.login(pairs...).Get("code")))
	if r.status != http.StatusOK {
		a.t.Fatalf("token answer: status %d, error %q", r.status, r.text("error"))
	}
	return r
}

// offline is a login that yields a refresh token.
func (a *app) offline() answer {
	a.t.Helper()
	return a.tokens("access_type", "offline", "prompt", "consent")
}

// jwks fetches the key set, skipping what go-jose cannot read.
func (a *app) jwks() []jose.JSONWebKey {
	a.t.Helper()
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal([]byte(a.get("/jwks").body), &set); err != nil {
		a.t.Fatal(err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// part decodes the header (0) or the claims (1) of a JWT without verifying it.
func part(t testing.TB, token string, index int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a JWT has 3 parts, not %d", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[index])
	if err != nil {
		t.Fatal(err)
	}
	var decoded map[string]any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// verifies reports whether one of the keys, chosen by kid, verifies the token.
func verifies(t testing.TB, token string, keys []jose.JSONWebKey) bool {
	t.Helper()
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return false
	}
	for _, key := range keys {
		if key.KeyID == signed.Signatures[0].Header.KeyID {
			_, err := signed.Verify(key.Key)
			return err == nil
		}
	}
	return false
}

// clock is a time that a test can move.
type clock struct{ seconds atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2030, 3, 14, 9, 0, 0, 0, time.UTC).Add(time.Duration(c.seconds.Load()) * time.Second)
}

func (c *clock) pass(d time.Duration) { c.seconds.Add(int64(d / time.Second)) }

func (c *clock) use(o *devidp.Options) { o.Now = c.now }

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// serve calls a provider without a socket. A body makes it a form.
func serve(idp http.Handler, method, path, query, body string) *httptest.ResponseRecorder {
	request := &http.Request{
		Method: method,
		URL:    &url.URL{Path: path, RawQuery: query},
		Header: http.Header{},
		Body:   io.NopCloser(strings.NewReader(body)),
	}
	if server, ok := idp.(*devidp.Server); ok {
		request.Host = strings.TrimPrefix(server.Issuer(), "http://")
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return record(idp, request)
}

func record(idp http.Handler, request *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	idp.ServeHTTP(recorder, request)
	return recorder
}

// newBrowser follows redirects and keeps cookies.
func newBrowser(t testing.TB) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}
