package wayleave_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
)

// TestRequireLoginWithoutASession: a page that a person opens leads to sign in;
// everything else gets 401 and JSON.
func TestRequireLoginWithoutASession(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	protected := a.auth.RequireLogin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request was let through") }))
	const login = `{"error":"login_required","login_url":"http://localhost:8000/auth/dev/login"}` + "\n"
	for _, row := range []struct {
		name, method string
		headers      []string
		redirected   bool
	}{
		{"a navigation", "GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{"a navigation that says no destination", "GET", []string{"Sec-Fetch-Mode", "navigate"}, true},
		{"an old browser", "GET", []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}, true},
		{"the head of a page", "HEAD", []string{"Accept", "text/html"}, true},
		{"a frame", "GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Accept", "text/html"}, false},
		{"a script's fetch", "GET", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", "*/*"}, false},
		{"a script's fetch of HTML", "GET", []string{"Sec-Fetch-Mode", "same-origin", "Sec-Fetch-Dest", "empty", "Accept", "text/html"}, false},
		{"an old script", "GET", []string{"X-Requested-With", "XMLHttpRequest", "Accept", "text/html"}, false},
		{"a picture", "GET", []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, false},
		{"a WebSocket", "GET", []string{"Upgrade", "websocket", "Connection", "Upgrade", "Sec-Fetch-Mode", "websocket", "Accept", "text/html"}, false},
		{"a WebSocket of an old browser", "GET", []string{"Upgrade", "websocket", "Accept", "text/html"}, false},
		{"a form", "POST", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html"}, false},
		{"a deletion", "DELETE", []string{"Accept", "text/html"}, false},
		{"a client that wants JSON", "GET", []string{"Accept", "application/json"}, false},
		{"a client that says nothing", "GET", nil, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequest(row.method, "/reports/a%2Fb?year=2026&q=%26", nil)
			for i := 0; i < len(row.headers); i += 2 {
				r.Header.Set(row.headers[i], row.headers[i+1])
			}
			w := httptest.NewRecorder()
			protected.ServeHTTP(w, r)
			if row.redirected {
				if want := "/auth/dev/login?return_to=" + url.QueryEscape("/reports/a%2Fb?year=2026&q=%26"); w.Code != 303 || w.Header().Get("Location") != want {
					t.Errorf("status %d to %q, want 303 to %q", w.Code, w.Header().Get("Location"), want)
				}
			} else if w.Code != 401 || w.Body.String() != login || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("status %d, %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
			}
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Vary") != "Cookie" {
				t.Errorf("headers %v: a cache could answer in our place", w.Header())
			}
		})
	}
}

// TestRequireLoginWithTwoProviders: the person chooses first.
func TestRequireLoginWithTwoProviders(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000", twoProviders)
	b := a.browser()
	if at := b.open("/reports?x=1"); at.Header.Get("Location") != "/auth/?return_to=%2Freports%3Fx%3D1" {
		t.Errorf("status %d to %q", at.StatusCode, at.Header.Get("Location"))
	}
	if at := b.fetch("GET", "/reports"); at.body != `{"error":"login_required","login_url":"http://localhost:8000/auth/"}`+"\n" {
		t.Errorf("body %s", at.body)
	}
}

// TestUserInTheContext behind RequireLogin and WithUser.
func TestUserInTheContext(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "http://localhost:8000")
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, ok := wayleave.CurrentUser(r.Context())
		since, until := wayleave.SignedInAt(r.Context())
		if !ok {
			if u != (wayleave.User{}) || !since.IsZero() || !until.IsZero() {
				t.Errorf("nobody, but %+v since %v until %v", u, since, until)
			}
			io.WriteString(w, "nobody")
			return
		}
		if age := time.Since(since); age < 0 || age > time.Minute || until.Sub(since) != 12*time.Hour {
			t.Errorf("since %v until %v", since, until)
		}
		io.WriteString(w, u.Subject)
	})
	b := a.browser()
	through := func(h http.Handler, want string) {
		t.Helper()
		b.client.Transport = direct{h}
		if at := b.open("/"); at.body != want {
			t.Errorf("status %d, body %q, want %q", at.StatusCode, at.body, want)
		}
		b.client.Transport = a.wire
	}
	through(show, "nobody")
	through(a.auth.WithUser(show), "nobody")
	b.signIn("/")
	through(show, "nobody") // a handler that was not wrapped knows nothing
	through(a.auth.WithUser(show), "ada")
	through(a.auth.RequireLogin(show), "ada")
	b.fetch("POST", "/auth/logout")
	through(a.auth.WithUser(show), "nobody")
}
