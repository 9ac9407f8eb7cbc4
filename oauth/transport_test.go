package oauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/oauth"
)

// source hands out at-1, and at-2 when it is asked for another.
type source struct {
	renewed atomic.Int32
	err     error
}

func token(value string) *oauth.Tokens {
	return &oauth.Tokens{AccessToken: oauth.NewSecret(value), Type: "Bearer"}
}

func (s *source) Token(context.Context) (*oauth.Tokens, error) { return token("at-1"), s.err }

func (s *source) Renew(_ context.Context, refused *oauth.Tokens) (*oauth.Tokens, error) {
	if refused.AccessToken.Reveal() != "at-1" {
		return nil, errors.New("another token was refused")
	}
	s.renewed.Add(1)
	return token("at-2"), s.err
}

func TestAPI01_TheTokenIsInTheHeaderOnly(t *testing.T) {
	var got *http.Request
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer api.Close()
	client := &http.Client{Transport: &oauth.Transport{Source: &source{}}}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", api.URL+"/x?y=1", nil)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got.Header.Get("Authorization") != "Bearer at-1" || strings.Contains(got.URL.String(), "at-1") {
		t.Errorf("%s with %v", got.URL, got.Header)
	}
	if req.Header.Get("Authorization") != "" {
		t.Error("the caller's request was changed")
	}
}

func TestAPI01_NoTokenGoesOverPlainHTTP(t *testing.T) {
	base := roundTripper(func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, io.EOF
	})
	client := &http.Client{Transport: &oauth.Transport{Source: &source{}, Base: base}}
	_, err := client.Get("http://api.example/x?secret=1")
	if err == nil || !strings.Contains(err.Error(), "the token is not sent in clear (expected an https URL, got http://api.example); call the API over https") {
		t.Error(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAPI09_TheTokenStaysBehindOnARedirect(t *testing.T) {
	var seen []string
	note := func(name string) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) {
			seen = append(seen, name+":"+r.Header.Get("Authorization"))
		}
	}
	thief := httptest.NewServer(note("thief"))
	defer thief.Close()
	api := http.NewServeMux()
	api.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		note("away")(w, r)
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	})
	api.HandleFunc("/here", func(w http.ResponseWriter, r *http.Request) {
		note("here")(w, r)
		http.Redirect(w, r, "/there", http.StatusFound)
	})
	api.HandleFunc("/there", note("there"))
	srv := httptest.NewServer(api)
	defer srv.Close()
	client := &http.Client{Transport: &oauth.Transport{Source: &source{}}}
	for _, path := range []string{"/away", "/here"} {
		resp, err := client.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if got := strings.Join(seen, " | "); got != "away:Bearer at-1 | thief: | here:Bearer at-1 | there:Bearer at-1" {
		t.Error(got)
	}
}

func TestAPI04_ARefusedTokenIsRenewedOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		challenge string
		always    bool
		body      io.Reader
		source    oauth.TokenSource
		status    int
		calls     int32
	}{
		"invalid_token":                  {challenge: `Bearer realm="x", error="invalid_token"`, source: &source{}, status: 200, calls: 2},
		"scheme in another case":         {challenge: `bEARER error="invalid_token"`, source: &source{}, status: 200, calls: 2},
		"a bare challenge":               {challenge: `Bearer`, source: &source{}, status: 200, calls: 2},
		"a body that can be read again":  {challenge: `Bearer error="invalid_token"`, body: strings.NewReader("x"), source: &source{}, status: 200, calls: 2},
		"a body that cannot":             {challenge: `Bearer error="invalid_token"`, body: io.MultiReader(strings.NewReader("x")), source: &source{}, status: 401, calls: 1},
		"API-05 insufficient scope":      {challenge: `Bearer error="insufficient_scope"`, source: &source{}, status: 401, calls: 1},
		"another scheme":                 {challenge: `Basic realm="x"`, source: &source{}, status: 401, calls: 1},
		"no challenge":                   {source: &source{}, status: 401, calls: 1},
		"A176 refused again":             {challenge: `Bearer error="invalid_token"`, always: true, source: &source{}, status: 401, calls: 2},
		"a source that cannot renew":     {challenge: `Bearer error="invalid_token"`, source: onlyToken{}, status: 401, calls: 1},
		"A challenge of 5 kB is ignored": {challenge: `Bearer error="invalid_token", x="` + strings.Repeat("x", 5000) + `"`, source: &source{}, status: 401, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := calls.Add(1)
				if b, _ := io.ReadAll(r.Body); tc.body != nil && string(b) != "x" {
					t.Errorf("call %d has the body %q", n, b)
				}
				if r.Header.Get("Authorization") == "Bearer at-2" && !tc.always {
					return
				}
				if tc.challenge != "" {
					w.Header().Set("WWW-Authenticate", tc.challenge)
				}
				w.WriteHeader(401)
			}))
			defer api.Close()
			client := &http.Client{Transport: &oauth.Transport{Source: tc.source}}
			resp, err := client.Post(api.URL, "text/plain", tc.body)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tc.status || calls.Load() != tc.calls {
				t.Errorf("status %d after %d calls, want %d after %d", resp.StatusCode, calls.Load(), tc.status, tc.calls)
			}
		})
	}
}

func TestWhyThereIsNoNewTokenIsSaid(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(401)
	}))
	defer api.Close()
	ended := errors.New("the grant has ended")
	client := &http.Client{Transport: &oauth.Transport{Source: ungranting{ended}}}
	if _, err := client.Get(api.URL); !errors.Is(err, ended) {
		t.Error(err)
	}
}

func TestOPS01_AnAPIThatRepeatsTheTokenDoesNotGetItIntoAnError(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, r.Header.Get("Authorization")+" nonsense\r\n\r\n")
	}))
	defer api.Close()
	var l listener
	client := &http.Client{Transport: &oauth.Transport{Source: &source{}, OnEvent: l.hear}}
	_, err := client.Get(api.URL)
	if err == nil || strings.Contains(err.Error(), "at-1") || strings.Contains(l.text(), "at-1") {
		t.Errorf("%v", err)
	}
}

type ungranting struct{ err error }

func (ungranting) Token(context.Context) (*oauth.Tokens, error) { return token("at-1"), nil }

func (u ungranting) Renew(context.Context, *oauth.Tokens) (*oauth.Tokens, error) { return nil, u.err }

type onlyToken struct{}

func (onlyToken) Token(context.Context) (*oauth.Tokens, error) { return token("at-1"), nil }

func TestATransportWithoutTokensMakesNoRequest(t *testing.T) {
	client := &http.Client{Transport: &oauth.Transport{Source: &source{err: errors.New("no grant")}}}
	if _, err := client.Get("https://api.example"); err == nil || !strings.Contains(err.Error(), "no grant") {
		t.Error(err)
	}
}
