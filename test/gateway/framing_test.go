package gateway_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestPRX09_A158_Framing sends what two programs could read as different
// requests. Each row is followed by a second request on the same connection,
// which must not be answered where the first one's end is in doubt, and whatever
// reaches the upstream is one request.
func TestPRX09_A158_Framing(t *testing.T) {
	g := start(t, setup{})
	grace := g.browser()
	grace.signIn("grace", "/")
	head := "Host: " + g.listen + "\r\nCookie: " + grace.cookies() + "\r\n"
	second := "GET /second HTTP/1.1\r\n" + head + "Connection: close\r\n\r\n"
	chunked := "Transfer-Encoding: chunked\r\n"
	for _, row := range []struct {
		name    string
		raw     string
		status  int  // of the first answer; 0: none at all
		answers int  // at most
		reaches bool // the upstream
	}{
		{"plain", "GET /first HTTP/1.1\r\n" + head + "\r\n", 200, 2, true},
		{"a body of known length", "POST /first HTTP/1.1\r\n" + head + "Content-Length: 2\r\n\r\nhi", 200, 2, true},
		{"a chunked body ends the connection (PRX-09b)", "POST /first HTTP/1.1\r\n" + head + chunked + "\r\n2\r\nhi\r\n0\r\n\r\n", 200, 1, true},
		{"CL.TE", "POST /first HTTP/1.1\r\n" + head + "Content-Length: 6\r\n" + chunked + "\r\n0\r\n\r\nX", 200, 1, true},
		{"TE.CL", "POST /first HTTP/1.1\r\n" + head + chunked + "Content-Length: 4\r\n\r\n5c\r\nGET /smuggled HTTP/1.1\r\nHost: " + g.listen + "\r\n\r\n\r\n0\r\n\r\n", 0, 1, false},
		{"two lengths", "POST /first HTTP/1.1\r\n" + head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", 400, 1, false},
		{"a list of lengths", "POST /first HTTP/1.1\r\n" + head + "Content-Length: 2, 2\r\n\r\nhi", 400, 1, false},
		{"a signed length", "POST /first HTTP/1.1\r\n" + head + "Content-Length: +2\r\n\r\nhi", 400, 1, false},
		{"an unknown coding", "POST /first HTTP/1.1\r\n" + head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, 1, false},
		{"a hidden coding", "POST /first HTTP/1.1\r\n" + head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, 1, false},
		{"a coding twice", "POST /first HTTP/1.1\r\n" + head + chunked + chunked + "\r\n0\r\n\r\n", 501, 1, false},
		{"a coding with a blank before the colon", "POST /first HTTP/1.1\r\n" + head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, 1, false},
		{"a coding behind a vertical tab", "POST /first HTTP/1.1\r\n" + head + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 0, 1, false},
		{"a bare carriage return in a header", "GET /first HTTP/1.1\r\n" + head + "X: a\rb\r\n\r\n", 400, 1, false},
		{"NUL in a header", "GET /first HTTP/1.1\r\n" + head + "X: a\x00b\r\n\r\n", 400, 1, false},
		{"no Host", "GET /first HTTP/1.1\r\n\r\n", 400, 1, false},
		{"two Hosts", "GET /first HTTP/1.1\r\n" + head + "Host: evil.example\r\n\r\n", 400, 1, false},
		{"A113 another Host", "GET /first HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, 2, false},
		{"A113 absolute form of another host", "GET http://evil.example/first HTTP/1.1\r\n" + head + "\r\n", 421, 2, false},
		{"A113 absolute form of another scheme", "GET ftp://" + g.listen + "/first HTTP/1.1\r\n" + head + "\r\n", 200, 2, true},
		{"A113 a Host with a user", "GET /first HTTP/1.1\r\nHost: a@" + g.listen + "\r\n\r\n", 400, 1, false},
		{"A113 a Host with a path", "GET /first HTTP/1.1\r\nHost: " + g.listen + "/x\r\n\r\n", 400, 1, false},
		{"a malformed Host", "GET /first HTTP/1.1\r\nHost: a b\r\n\r\n", 400, 1, false},
		{"A158 a chunk of an absurd size", "POST /first HTTP/1.1\r\n" + head + chunked + "\r\nffffffffffffffffff\r\nhi\r\n0\r\n\r\n", 400, 1, false},
		{"A158 a chunk without its end", "POST /first HTTP/1.1\r\n" + head + chunked + "\r\n2\r\nhix\r\n0\r\n\r\n", 400, 1, false},
		{"A158 a bare line feed in a chunk line", "POST /first HTTP/1.1\r\n" + head + chunked + "\r\n2\nhi\r\n0\r\n\r\n", 400, 1, false},
		{"A152 CONNECT", "CONNECT " + g.listen + " HTTP/1.1\r\n" + head + "\r\n", 405, 2, false},
		{"A152 TRACE", "TRACE /first HTTP/1.1\r\n" + head + "\r\n", 405, 2, false},
		{"A152 a method in lower case", "get /first HTTP/1.1\r\n" + head + "\r\n", 405, 2, false},
		{"A152 the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 2, false},
		{"an asterisk", "OPTIONS * HTTP/1.1\r\n" + head + "\r\n", 400, 1, false},
		{"a fragment in the target", "GET /first#x HTTP/1.1\r\n" + head + "\r\n", 400, 1, false},
		{"HTTP/1.0 with chunks", "POST /first HTTP/1.0\r\n" + head + chunked + "\r\n0\r\n\r\n", 0, 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			g.up.taken()
			answers := g.send(row.raw + second)
			if len(answers) > row.answers {
				t.Errorf("%d answers, at most %d", len(answers), row.answers)
			}
			if row.status > 0 && (len(answers) == 0 || answers[0].StatusCode != row.status) {
				t.Errorf("answers %v, want %d first", statuses(answers), row.status)
			}
			first := false
			for _, r := range g.up.taken() {
				switch r.Target {
				case "/first":
					first = true
				case "/second":
					if len(answers) < 2 {
						t.Error("the second request reached the upstream and was not answered")
					}
				default:
					t.Errorf("the upstream got %s %s", r.Method, r.Target)
				}
				if r.Header.Get("X") != "" {
					t.Errorf("the upstream got the header %q", r.Header.Get("X"))
				}
			}
			if row.status > 0 && first != row.reaches {
				t.Errorf("reaches the upstream: %v, want %v", first, row.reaches)
			}
		})
	}
}

// TestPRX09c_FoldedLinesAreOneLine: what is legal to normalise is normalised.
func TestPRX09c_FoldedLinesAreOneLine(t *testing.T) {
	g := start(t, setup{})
	answers := g.send("GET /public HTTP/1.1\nHost: " + g.listen + "\nX-Folded: a\n b\nX-Plain: c\n\n")
	if len(answers) != 1 || answers[0].StatusCode != 200 {
		t.Fatalf("%v", statuses(answers))
	}
	r := g.up.taken()[0]
	if got := r.Header.Get("X-Folded"); strings.ContainsAny(got, "\r\n") || r.Header.Get("X-Plain") != "c" {
		t.Errorf("the upstream got %v", r.Header)
	}
}

func statuses(answers []answer) (all []string) {
	for _, a := range answers {
		all = append(all, fmt.Sprint(a.StatusCode))
	}
	return all
}

// TestPRX04_PRX05_A150_Paths: rules and upstream see one path, and a path that
// they could read differently is refused. A rule is never met by a query, a
// fragment or another spelling.
func TestPRX04_PRX05_A150_Paths(t *testing.T) {
	g := start(t, setup{})
	for _, row := range []struct {
		target string
		status int
		path   string // at the upstream
	}{
		{"/public", 200, "/public"}, {"/public/", 200, "/public/"}, {"/public/a%20b", 200, "/public/a%20b"}, {"/%70ublic", 200, "/public"},
		{"/public/caf%C3%A9", 200, "/public/caf%C3%A9"}, {"/public/caf%c3%a9", 200, "/public/caf%C3%A9"}, {"/status", 200, "/status"},
		{"/publicx", 401, ""}, {"/Public", 401, ""}, {"/status/", 401, ""}, {"/status/x", 401, ""},
		{"/admin?/public/", 401, ""}, {"/admin?x=/status", 401, ""}, {"/x?y=/public#/public", 400, ""},
		{"/admin#/public", 400, ""}, {"/admin%23/public", 401, ""}, {"/admin%3f/public", 401, ""},
		{"/public/../admin", 400, ""}, {"/public/%2e%2e/admin", 400, ""}, {"/public/.%2e/admin", 400, ""}, {"/public/..%2fadmin", 400, ""},
		{"/public%2fadmin", 400, ""}, {"/public%2Fx", 400, ""}, {"/public/%5c..%5cadmin", 400, ""}, {"/public/..\\admin", 400, ""},
		{"/public//admin", 400, ""}, {"//public", 400, ""}, {"/public/./x", 400, ""}, {"/public;/../admin", 400, ""}, {"/public/..;/admin", 400, ""}, {"/public;x=y", 400, ""},
		{"/public/%00", 400, ""}, {"/public/%0d%0aX:y", 400, ""}, {"/public/%7f", 400, ""}, {"/public/%252e%252e/admin", 400, ""}, {"/public/%c0%ae%c0%ae/admin", 400, ""},
		{"/public/%", 400, ""}, {"/public/%zz", 400, ""}, {"/public/.../x", 400, ""}, {"/public/..%20/admin", 400, ""},
		{"/auth/../public", 400, ""}, {"/public/../auth/session", 400, ""}, {"/Auth/session", 401, ""}, {"/%61uth/session", 404, ""}, {"/authx", 401, ""},
	} {
		t.Run(row.target, func(t *testing.T) {
			g.up.taken()
			answers := g.send("GET " + row.target + " HTTP/1.1\r\nHost: " + g.listen + "\r\nConnection: close\r\n\r\n")
			if len(answers) != 1 || answers[0].StatusCode != row.status {
				t.Fatalf("answers %v, want %d", statuses(answers), row.status)
			}
			got := g.up.taken()
			if row.path == "" && len(got) > 0 {
				t.Errorf("the upstream got %s", got[0].Target)
			}
			if row.path != "" && (len(got) != 1 || got[0].Target != row.path) {
				t.Errorf("the upstream got %v, want %s", got, row.path)
			}
		})
	}
}

// TestPRX06_A151_A153_NobodyIsLetInForWhatTheySay: no user agent, address, health
// path or method opens a route.
func TestPRX06_A151_A153_NobodyIsLetInForWhatTheySay(t *testing.T) {
	g := start(t, setup{})
	b := g.browser()
	for _, header := range [][]string{
		{"User-Agent", "GoogleHC/1.0"}, {"User-Agent", "kube-probe/1.30"}, {"User-Agent", "ELB-HealthChecker/2.0"},
		{"X-Forwarded-For", "127.0.0.1"}, {"X-Real-Ip", "127.0.0.1"}, {"X-Forwarded-Uri", "/public"}, {"X-Original-Url", "/public"}, {"X-Forwarded-Method", "OPTIONS"},
		{"Authorization", "Bearer x"}, {"Origin", "null"}, {"Access-Control-Request-Method", "GET"},
	} {
		for _, path := range []string{"/private", "/ping", "/healthz", "/livez", "/readyz", "/metrics", "/favicon.ico", "/robots.txt"} {
			for _, method := range []string{"GET", "HEAD", "OPTIONS", "PROPFIND"} {
				if at := b.ask(method, path, header...); at.StatusCode != 401 {
					t.Errorf("%s %s with %q: %d", method, path, header, at.StatusCode)
				}
			}
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if at := b.ask(method, "/public/x"); at.StatusCode != 401 {
			t.Errorf("%s of a route that is public for GET: %d", method, at.StatusCode)
		}
	}
	if got := g.up.taken(); len(got) > 0 {
		t.Errorf("the upstream got %d requests", len(got))
	}
}
