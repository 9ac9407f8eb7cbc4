package gateway_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// request is what a browser or a script sends to a proxy.
type request struct {
	method, target, host string
	header               http.Header
}

// asTraefik is what Traefik's ForwardAuth asks about a request: GET, the headers
// without those that are hop by hop, and its own words for the rest.
func asTraefik(r request) (method, target, host string, h http.Header) {
	h = maps.Clone(r.header)
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailers", "Transfer-Encoding", "Upgrade"} {
		delete(h, name)
	}
	h["X-Real-Ip"], h["X-Forwarded-Server"], h["X-Forwarded-Port"] = []string{"192.0.2.7"}, []string{"proxy"}, []string{"80"} // of its entry point
	h["X-Forwarded-For"], h["X-Forwarded-Method"], h["X-Forwarded-Proto"] = []string{"192.0.2.7"}, []string{r.method}, []string{"http"}
	h["X-Forwarded-Host"], h["X-Forwarded-Uri"] = []string{r.host}, []string{r.target}
	return "GET", "/auth/verify/forward", "wayleave:8000", h
}

// asEnvoy is what Envoy's ext_authz asks of an HTTP service: the request's own
// method and host, its path behind the prefix, no body, and the headers that
// allowed_headers names.
func asEnvoy(r request) (method, target, host string, h http.Header) {
	h = http.Header{"Content-Length": {"0"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-For": {"192.0.2.7"}, "X-Envoy-Internal": {"true"}, "X-Envoy-Expected-Rq-Timeout-Ms": {"200"}}
	for name, values := range r.header {
		if slices.Contains([]string{"Authorization", "Cookie", "Accept", "Origin", "Upgrade", "Connection", "Sec-Websocket-Key"}, name) || strings.HasPrefix(name, "Sec-Fetch-") {
			h[name] = values
		}
	}
	return r.method, "/auth/verify/envoy" + r.target, r.host, h
}

// TestPRX15_PRX18_TraefikAndEnvoy replays the requests of proxies that are not
// here.
func TestPRX15_PRX18_TraefikAndEnvoy(t *testing.T) {
	g := start(t, setup{extra: trusting, routes: besideRoutes})
	grace, ada := g.browser(), g.browser()
	for name, b := range map[string]*browser{"grace": grace, "ada": ada} {
		g.up.taken()
		b.follow(name)
	}
	page := http.Header{"Accept": {"text/html,*/*;q=0.8"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "User-Agent": {"x"}}
	script := http.Header{"Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}}
	socket := http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}, "Sec-Websocket-Version": {"13"}}
	with := func(h http.Header, pairs ...string) http.Header {
		h = maps.Clone(h)
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = []string{pairs[i+1]}
		}
		return h
	}
	login := g.base + "/auth/dev/login?return_to="
	for _, row := range []struct {
		name     string
		r        request
		who      *browser
		status   int
		location string
		subject  string
	}{
		{"a page", request{"GET", "/x?y=z", g.listen, page}, grace, 200, "", "grace"},
		{"a form", request{"POST", "/x", g.listen, with(page, "Content-Type", "text/plain")}, grace, 200, "", "grace"},
		{"a script", request{"DELETE", "/api/x", g.listen, script}, grace, 200, "", "grace"},
		{"for another", request{"GET", "/admin", g.listen, page}, ada, 403, "", ""},
		{"a page of nobody", request{"GET", "/x?y=z", g.listen, page}, nil, 303, login + "%2Fx%3Fy%3Dz", ""},
		{"a script of nobody", request{"GET", "/x?y=z", g.listen, script}, nil, 401, "", ""},
		{"a form of nobody", request{"POST", "/x", g.listen, page}, nil, 401, "", ""},
		{"the API for nobody", request{"GET", "/api/x", g.listen, page}, nil, 401, "", ""},
		{"public", request{"GET", "/public/x", g.listen, script}, nil, 200, "", ""},
		{"public for GET alone", request{"POST", "/public/x", g.listen, script}, nil, 401, "", ""},
		{"a preflight of nobody", request{"OPTIONS", "/x", g.listen, with(script, "Origin", "https://evil.example", "Access-Control-Request-Method", "PUT")}, nil, 401, "", ""},
		{"another host", request{"GET", "/public", "evil.example", page}, nil, 400, "", ""},
		{"dots", request{"GET", "/public/../admin", g.listen, page}, ada, 400, "", ""},
		{"encoded dots", request{"GET", "/public/%2e%2e/admin", g.listen, page}, ada, 400, "", ""},
		{"an encoded slash", request{"GET", "/public%2f..%2fadmin", g.listen, page}, ada, 400, "", ""},
		{"two slashes", request{"GET", "//admin", g.listen, page}, ada, 400, "", ""},
		{"an address of ours in the path", request{"GET", "/auth/verify/envoy/public", g.listen, page}, nil, 200, "", ""}, // passed on to us, and there not a proxy's
		{"a WebSocket", request{"GET", "/ws", g.listen, with(socket, "Origin", g.base)}, grace, 200, "", "grace"},
		{"a WebSocket of another site", request{"GET", "/ws", g.listen, with(socket, "Origin", "https://evil.example")}, grace, 403, "", ""},
		{"a WebSocket of nobody", request{"GET", "/ws", g.listen, with(socket, "Origin", g.base)}, nil, 401, "", ""},
	} {
		for name, as := range map[string]func(request) (string, string, string, http.Header){"Traefik": asTraefik, "Envoy": asEnvoy} {
			t.Run(name+", "+row.name, func(t *testing.T) {
				if row.who != nil {
					row.r.header = with(row.r.header, "Cookie", row.who.cookies())
				}
				method, target, host, h := as(row.r)
				var raw strings.Builder
				fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host)
				h.Write(&raw)
				at := once(t, g.listen, raw.String()+"\r\n")
				if at.StatusCode != row.status || at.Header.Get("Location") != row.location || at.Header.Get("X-Wayleave-Subject") != row.subject {
					t.Errorf("%d to %q as %q; want %d to %q as %q\n%s", at.StatusCode, at.Header.Get("Location"), at.Header.Get("X-Wayleave-Subject"), row.status, row.location, row.subject, at.body)
				}
				if _, told := at.Header["X-Wayleave-User"]; told != (row.status == 200) {
					t.Errorf("%d, headers %v", at.StatusCode, at.Header)
				}
			})
		}
	}
}

// follow signs a person in where no route has an app.
func (b *browser) follow(person string) {
	b.g.t.Helper()
	if at := b.signIn(person, "/x"); at.StatusCode != http.StatusNotFound {
		b.g.t.Fatalf("%d, want a page that nothing serves", at.StatusCode)
	}
}
