package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestPRX01_WhatAClientSaysAboutItself: the upstream sees the gateway's words
// alone, on every route, whoever asks.
func TestPRX01_WhatAClientSaysAboutItself(t *testing.T) {
	g := start(t, setup{})
	grace, nobody := g.browser(), g.browser()
	grace.signIn("grace", "/")
	g.up.taken()
	forged := []string{
		"A140 X-Wayleave-User", "A140 X-Wayleave-Email", "A140 X-Wayleave-Groups", "A140 X-Wayleave-Assertion",
		"A140 X-Forwarded-User", "A140 X-Forwarded-Email", "A140 X-Forwarded-Access-Token", "A140 X-Auth-Request-User", "A140 X-Auth-Request-Email", "A140 Remote-User",
		"A140 x_wayleave_user", "A140 X_Wayleave_User", "A140 X.Wayleave.User", "A140 X-WAYLEAVE-USER", "A140 X_Forwarded_Email", "A140 REMOTE_USER",
		"A147 X-Original-Url", "A147 X-Original-Uri", "A147 X-Rewrite-Url", "A147 X-Forwarded-Prefix", "A147 X-Replaced-Path", "A147 X-Forwarded-Uri", "A147 X-Forwarded-Method",
		"A155 X-Http-Method-Override", "A155 X-Http-Method", "A155 X-Method-Override", "A155 X_HTTP_Method_Override",
		"A114 X-Forwarded-Host", "A114 X-Forwarded-Proto", "A114 X-Forwarded-Port", "A114 Forwarded", "A114 X-Original-Host", "A115 X-Forwarded-For", "A115 X-Real-Ip", "A115 True-Client-Ip",
		"A140 Authorization", "A140 Proxy",
	}
	const evil = "evil-value-of-a-client"
	for _, row := range forged {
		_, name, _ := strings.Cut(row, " ")
		for who, b := range map[string]*browser{"signed in": grace, "nobody": nobody} {
			t.Run(row+", "+who, func(t *testing.T) {
				path := "/"
				if who == "nobody" {
					path = "/public/x"
				}
				if at := b.ask("GET", path, name, evil, name, evil); at.StatusCode != 200 {
					t.Fatalf("%d %s", at.StatusCode, at.body)
				}
				for _, r := range g.up.taken() {
					for header, values := range r.Header {
						if strings.Contains(strings.Join(values, ","), evil) {
							t.Errorf("the upstream got %s: %q", header, values)
						}
						if strings.HasPrefix(header, "X-Wayleave-") && len(values) != 1 {
							t.Errorf("A142 %s has %d values", header, len(values))
						}
					}
					want := map[string]string{"signed in": "grace", "nobody": ""}[who]
					if got := r.Header["X-Wayleave-Subject"]; len(got) != 1 || got[0] != want {
						t.Errorf("A146 subject %q, want %q, present in any case", got, want)
					}
				}
			})
		}
	}
}

// TestPRX02_A143_ConnectionCannotNameOurHeaders: they are set after the
// hop-by-hop headers have gone.
func TestPRX02_A143_ConnectionCannotNameOurHeaders(t *testing.T) {
	g := start(t, setup{})
	grace := g.browser()
	grace.signIn("grace", "/")
	g.up.taken()
	grace.ask("GET", "/", "Connection", "X-Wayleave-User, X-Wayleave-Subject, X-Forwarded-For, Cookie, close")
	r := g.up.taken()[0]
	for _, name := range []string{"X-Wayleave-User", "X-Wayleave-Subject", "X-Forwarded-For"} {
		if r.Header.Get(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
}

// TestPRX11_A130_CookiesOfOurs go neither to the upstream nor can it set them.
func TestPRX11_A130_CookiesOfOurs(t *testing.T) {
	g := start(t, setup{})
	grace := g.browser()
	grace.signIn("grace", "/")
	g.up.taken()
	g.up.mu.Lock()
	g.up.handler = func(w http.ResponseWriter, r *http.Request) {
		for _, line := range []string{"app=1; Path=/", "wayleave-session-x=evil; Path=/", "__Host-wayleave-session=evil; Secure; Path=/", "__host-WAYLEAVE-browser=evil", " __Host-wayleave-x=evil", "__Secure-wayleave-return=evil"} {
			w.Header().Add("Set-Cookie", line)
		}
		w.Header().Set("X-Wayleave-User", "evil")
		w.Header().Set("x-wayleave-login", "https://evil.example")
	}
	g.up.mu.Unlock()
	at := grace.ask("GET", "/", "Cookie", "theirs=1; __Host-wayleave-session=x; other=2")
	if lines := at.Header["Set-Cookie"]; !slices.Equal(lines, []string{"app=1; Path=/"}) {
		t.Errorf("Set-Cookie %q", lines)
	}
	if at.Header.Get("X-Wayleave-User")+at.Header.Get("X-Wayleave-Login") != "" {
		t.Errorf("A177 headers of ours from the upstream: %v", at.Header)
	}
	r := g.up.taken()[0]
	if got := strings.Join(r.Header["Cookie"], "; "); strings.Contains(strings.ToLower(got), "wayleave") || !strings.Contains(got, "theirs=1") || !strings.Contains(got, "other=2") {
		t.Errorf("the upstream got the cookies %q", got)
	}
}

// TestA144_Trailers come after the headers were checked, and do not go on.
func TestA144_Trailers(t *testing.T) {
	g := start(t, setup{})
	answers := g.send("POST /public HTTP/1.1\r\nHost: " + g.listen + "\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-Wayleave-User\r\n\r\n2\r\nhi\r\n0\r\nX-Wayleave-User: evil\r\n\r\n")
	if len(answers) != 1 {
		t.Fatalf("%d answers", len(answers))
	}
	// POST is not public: nobody sees it. Neither does it reach a route for people.
	if answers[0].StatusCode != 401 || len(g.up.taken()) != 0 {
		t.Errorf("%d", answers[0].StatusCode)
	}
	grace := g.browser()
	grace.signIn("grace", "/")
	g.up.taken()
	answers = g.send("POST /x HTTP/1.1\r\nHost: " + g.listen + "\r\nCookie: " + grace.cookies() + "\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-Wayleave-User\r\n\r\n2\r\nhi\r\n0\r\nX-Wayleave-User: evil\r\n\r\n")
	got := g.up.taken()
	if len(answers) != 1 || len(got) != 1 {
		t.Fatalf("%d answers, %d requests", len(answers), len(got))
	}
	if r := got[0]; len(r.Trailer) > 0 || r.Header.Get("Te") != "" || r.Header.Get("Trailer") != "" || r.Body != "hi" || r.Header.Get("X-Wayleave-Subject") != "grace" {
		t.Errorf("the upstream got %+v", r)
	}
}
