package wayleave_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// wiretap is a provider whose back channel is listened to, so that a test
// knows every secret that passed.
type wiretap struct {
	idp     *devidp.Server
	mu      sync.Mutex
	secrets map[string]string // by value, with what it is
}

func newWiretap(t *testing.T) *wiretap {
	tap := &wiretap{secrets: map[string]string{}}
	srv := httptest.NewUnstartedServer(nil)
	var err error
	if tap.idp, err = devidp.New(devidp.Options{Issuer: "http://" + srv.Listener.Addr().String(), SigningAlgorithm: "ES256"}); err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = tap
	srv.Start()
	t.Cleanup(srv.Close)
	return tap
}

// ServeHTTP notes what goes to the token endpoint and what it answers.
func (tap *wiretap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/token" {
		tap.idp.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	for _, name := range []string{"code", "code_verifier", "client_secret", "refresh_token"} {
		tap.note(name, form.Get(name))
	}
	if id, secret, ok := r.BasicAuth(); ok {
		tap.note("Authorization header", strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
		tap.note("client_secret of "+id, secret)
	}
	rec := httptest.NewRecorder()
	tap.idp.ServeHTTP(rec, r)
	var answer map[string]any
	_ = json.Unmarshal(rec.Body.Bytes(), &answer) // an error page has no tokens
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		text, _ := answer[name].(string)
		tap.note(name, text)
	}
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	w.Write(rec.Body.Bytes())
}

func (tap *wiretap) note(what, value string) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	if value != "" {
		tap.secrets[value] = what
		if parts := strings.Split(value, "."); len(parts) == 3 {
			tap.secrets[parts[1]], tap.secrets[parts[2]] = what+"'s payload", what+"'s signature"
		}
	}
}

// TestSecretsStayWhereTheyBelong signs in, calls an API, refreshes, fails in
// several ways and signs out, and then looks for every secret that passed, in
// everything that the app said to anybody else.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	tap := newWiretap(t)
	said := &said{}
	refuse := false
	a := newDirectApp(t, tap.idp, "http://localhost:8000", func(c *wayleave.Config) {
		c.Logger = slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.OnEvent = func(_ context.Context, ev oauth.Event) {
			encoded, err := json.Marshal(ev)
			fmt.Fprintf(said, "event %T %+v %#v %s %v\n", ev, ev, ev, encoded, err)
			if checked, ok := ev.(oauth.Checked); ok {
				fmt.Fprintln(said, "check", checked.Err)
			}
			if answered, ok := ev.(oauth.Answered); ok {
				fmt.Fprintln(said, "answer", answered.Err)
			}
		}
		c.OnSignIn = func(_ context.Context, id *provider.Identity) error {
			fmt.Fprintf(said, "identity %+v %#v\n", id, id)
			if refuse {
				return errors.New("not today")
			}
			return nil
		}
	})
	b := a.browser()
	b.client.Transport = &listener{a.wire, said}
	note := func(callback string) string {
		for _, name := range []string{"code", "state"} {
			tap.note(name, param(t, callback, name))
		}
		return callback
	}
	cookies := func() {
		for name, value := range b.cookies() {
			tap.note(name+" cookie", value)
		}
	}

	authorization := b.beginAt(pageOf(900, "wanted"))
	tap.note("nonce", param(t, authorization, "nonce"))
	cookies()
	callback := note(b.authorize(authorization, true))
	b.finish(callback)
	cookies()
	b.open("/transactions")
	b.fetch("GET", "/auth/session")
	b.open("/auth/logout")
	b.open(callback)
	for _, fault := range []string{"wrong-nonce", "token-500", "token-html", "token-error-200", "token-duplicate-member", "bad-signature", "alg-none", "userinfo-other-sub", "wrong-at-hash", "token-truncated"} {
		tap.idp.SetFaults(fault)
		b.open(note(b.callback("/wanted")))
		tap.idp.SetFaults()
	}
	refuse = true
	b.open(note(b.callback("/wanted")))
	refuse = false
	b.open(note(a.reseal(b.callback("/wanted"), expired)))
	b.open(with(t, note(b.callback("/wanted")), "iss", "https://evil.example"))
	b.open(note(denied(t, b.callback("/wanted"))))
	b.open(note(b.callback("/wanted")) + "&code=twice")
	b.open(note(b.a.browser().callback("/wanted")))
	cookies()
	b.fetch("POST", "/auth/logout")
	b.open(callback)

	kinds := map[string]bool{}
	for value, what := range tap.secrets {
		kinds[strings.Fields(what)[0]] = true
		for _, form := range []string{value, url.QueryEscape(value), strings.ReplaceAll(url.QueryEscape(value), "+", "%20"), fmt.Sprintf("%x", value)} {
			if line := said.lineWith(form); line != "" {
				t.Errorf("%s was said: %.300s", what, strings.ReplaceAll(line, form, "[HERE]"))
				break
			}
		}
	}
	for _, kind := range []string{"code", "state", "nonce", "code_verifier", "client_secret", "access_token", "refresh_token", "id_token", "session", "browser", "return"} {
		if !kinds[kind] {
			t.Errorf("no %s was looked for: %v", kind, kinds)
		}
	}
	if said.lineWith("login failed") == "" || said.lineWith("event oauth.Established") == "" || said.lineWith("page <!doctype html>") == "" {
		t.Error("nothing was listened to")
	}
}

// said is everything that the app said.
type said struct {
	mu   sync.Mutex
	text []byte
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	return len(p), nil
}

// lineWith returns the line in which a text was said, or nothing.
func (s *said) lineWith(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(text) < 6 {
		return ""
	}
	at := bytes.Index(s.text, []byte(text))
	if at < 0 {
		return ""
	}
	from := bytes.LastIndexByte(s.text[:at], '\n') + 1
	return string(s.text[from : at+len(text)])
}

// listener notes the answers of the app, but for the two headers whose purpose
// is to carry secrets of the browser.
type listener struct {
	next http.RoundTripper
	said *said
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	copied := *resp
	copied.Header = resp.Header.Clone()
	copied.Header.Del("Set-Cookie")
	if !strings.HasPrefix(copied.Header.Get("Location"), "/") {
		copied.Header.Del("Location") // to the provider: it carries state and nonce
	}
	head, err := httputil.DumpResponse(&copied, false)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	fmt.Fprintf(l.said, "head %q\npage %s\n", head, body)
	return resp, err
}
