package gateway_test

import (
	"net/url"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// block returns the code of a document that follows a comment <!-- name -->.
func block(t testing.TB, document, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + document)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)<!-- " + regexp.QuoteMeta(name) + " -->\n+```\\w*\n(.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatalf("%s has no block named %s", document, name)
	}
	return string(m[1])
}

// inFront starts a gateway behind a proxy that passes everything on, configured
// by the snippet of the document.
func inFront(t testing.TB, f front) (g *gateway, listen string) {
	t.Helper()
	program(t, f.name)
	listen = freeAddress(t)
	g = start(t, setup{base: strings.Replace("http://"+listen, "127.0.0.1", "localhost", 1), extra: trusting})
	snippet := block(t, "gateway.md", f.name+": in front")
	if f.name == "nginx" {
		snippet = "daemon off;\npid nginx.pid;\nevents {}\nhttp {\naccess_log off; client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;\n" + snippet + "}\n"
	} else {
		snippet = "{\n\tadmin off\n}\n" + snippet
	}
	f.run(t, ports(snippet, map[string]string{"8000": listen, "8001": g.listen}), listen)
	return g, listen
}

// eachWay runs a test with each proxy, in front of the gateway and beside it.
func eachWay(t *testing.T, test func(t *testing.T, g *gateway, listen, host string)) {
	for _, f := range fronts {
		for name, begin := range map[string]func(testing.TB, front) (*gateway, string){"in front": inFront, "beside": beside} {
			t.Run(f.name+" "+name, func(t *testing.T) {
				g, listen := begin(t, f)
				test(t, g, listen, g.base[len("http://"):])
			})
		}
	}
}

// ambiguous are targets that some programs read as another path.
var ambiguous = []string{
	"/public/../admin", "/public/%2e%2e/admin", "/public/.%2e/admin", "/public/%2E./admin", "/public/..%2fadmin", "/public%2f..%2fadmin", "/public/..%2Fadmin/x", "/public/%2e%2e%2fadmin",
	"/public/..%5cadmin", "/public/%5c..%5cadmin", "/public/..\\admin", "/public\\..\\admin", "/public/%252e%252e/admin", "/public/%252e%252e%252fadmin", "/public/%c0%ae%c0%ae/admin",
	"/public//../admin", "/public/./../admin", "/public/x/../../admin", "//admin", "/./admin", "///public/../admin", "/public;/../admin", "/public/..;/admin", "/public/..;x=y/admin", "/admin;x=/public",
	"/admin/../public", "/admin/%2e%2e/public", "/admin%2f..%2fpublic", "/admin/..%2fpublic", "/%61dmin", "/%2561dmin", "/ADMIN", "/admin.", "/admin%20", "/admin%00", "/public%00/../admin", "/admin%2f", "/admin%2fx", "/admin//x", "/admin/.",
	"/public/..%00/admin", "/public/.../admin", "/public/..%20/admin", "/public/..%09/admin", "/public/%zz/../admin", "/public/%", "/public/%u002e%u002e/admin", "/public/%ef%bc%8e%ef%bc%8e/admin",
	"/public#/../admin", "/admin#/public", "/admin%23/public", "/admin?/public", "/admin%3f/public", "/public?/../admin", "/public/..?x=/admin", "/status/../admin", "/status%2f..%2fadmin", "/statusx",
	"http://evil.example/public/../admin", "http://HOST/public/../admin", "http://HOST/admin", "http://HOST//admin", "/auth/../admin", "/auth/%2e%2e/admin", "/auth/..%2fadmin", "/auth//../admin", "/auth/verify/../../admin", "/wayleave-verify/../admin",
	"*", "public", "?/public", "/public /admin", "/public\t/admin", "/public%0d%0aX-Wayleave-User:%20evil", "/public/%0a/../admin",
}

// TestPRX04_A150_A154_PathsThroughRealProxies: both sides agree on the path, or
// the request is refused. Nobody and a person without rights ask; whatever the
// app gets, in any reading of it, is what they may see.
func TestPRX04_A150_A154_PathsThroughRealProxies(t *testing.T) {
	eachWay(t, func(t *testing.T, g *gateway, listen, host string) {
		ada := g.browser()
		ada.signIn("ada", "/")
		for who, cookie := range map[string]string{"nobody": "", "ada": "Cookie: " + ada.cookies() + "\r\n"} {
			for _, target := range append([]string{"/public", "/public/a%20b", "/public/caf%C3%A9", "/%70ublic", "/status"}, ambiguous...) {
				target = strings.ReplaceAll(target, "HOST", host)
				g.up.taken()
				at := once(t, listen, "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\n"+cookie+"Connection: close\r\n\r\n")
				got := g.up.taken()
				if len(got) > 1 || len(got) == 1 && at.StatusCode != 200 {
					t.Errorf("%s, %s: %d, and %d requests", who, target, at.StatusCode, len(got))
				}
				for _, r := range got {
					for _, reading := range readings(r.Target) {
						if below(reading, "/admin") || who == "nobody" && !below(reading, "/public") && reading != "/status" {
							t.Errorf("%s asks for %s, the app gets %s, and could read it as %s", who, target, r.Target, reading)
						}
					}
				}
			}
		}
		for target, want := range map[string]string{"/public": "/public", "/public/a%20b?x=%2F..": "/public/a%20b?x=%2F..", "/public/caf%C3%A9": "/public/caf%C3%A9"} {
			once(t, listen, "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
			if got := g.up.taken(); len(got) != 1 || got[0].Target != want {
				t.Errorf("%s: the app got %+v", target, got)
			}
		}
	})
}

func below(p, prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }

// readings are the paths that programs could see in a target: as it is, decoded
// once and more often, with other slashes, without parameters, and without dots.
func readings(target string) (all []string) {
	p, _, _ := strings.Cut(target, "?")
	for range 3 {
		for _, q := range []string{p, strings.ReplaceAll(p, `\`, "/"), regexp.MustCompile(`;[^/]*`).ReplaceAllString(p, "")} {
			all = append(all, path.Clean("/"+q))
		}
		decoded, err := url.PathUnescape(p)
		if err != nil {
			break
		}
		p = decoded
	}
	// What was not decoded at all is no reading of its own, where it differs by that alone.
	if strings.Contains(target, "%") {
		all = all[3:]
	}
	return all
}

// TestPRX09_A158_FramingThroughRealProxies: one request of a client is at most
// one at the app, whatever stands in between.
func TestPRX09_A158_FramingThroughRealProxies(t *testing.T) {
	eachWay(t, func(t *testing.T, g *gateway, listen, host string) {
		grace := g.browser()
		grace.signIn("grace", "/")
		head := "Host: " + host + "\r\nCookie: " + grace.cookies() + "\r\n"
		const chunked = "Transfer-Encoding: chunked\r\n"
		smuggled := "GET /smuggled HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
		post := "POST /first HTTP/1.1\r\n" + head
		for name, raw := range map[string]string{
			"plain": post + "Content-Length: 2\r\n\r\nhi", "chunked": post + chunked + "\r\n2\r\nhi\r\n0\r\n\r\n",
			"CL.TE":                         post + "Content-Length: " + strconv.Itoa(5+len(smuggled)) + "\r\n" + chunked + "\r\n0\r\n\r\n" + smuggled,
			"TE.CL":                         post + chunked + "Content-Length: 4\r\n\r\n" + hex(len(smuggled)) + "\r\n" + smuggled + "\r\n0\r\n\r\n",
			"CL.CL":                         post + "Content-Length: 0\r\nContent-Length: " + strconv.Itoa(len(smuggled)) + "\r\n\r\n" + smuggled,
			"a list of lengths":             post + "Content-Length: 0, " + strconv.Itoa(len(smuggled)) + "\r\n\r\n" + smuggled,
			"a signed length":               post + "Content-Length: +" + strconv.Itoa(len(smuggled)) + "\r\n\r\n" + smuggled,
			"a length behind a blank":       post + "Content-Length : " + strconv.Itoa(len(smuggled)) + "\r\n\r\n" + smuggled,
			"a coding behind a blank":       post + "Content-Length: " + strconv.Itoa(5+len(smuggled)) + "\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled,
			"a coding behind a tab":         post + "Content-Length: " + strconv.Itoa(5+len(smuggled)) + "\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + smuggled,
			"a coding behind \\v":           post + "Content-Length: " + strconv.Itoa(5+len(smuggled)) + "\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + smuggled,
			"a hidden coding":               post + "Content-Length: " + strconv.Itoa(5+len(smuggled)) + "\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
			"two codings":                   post + "Transfer-Encoding: identity\r\n" + chunked + "\r\n0\r\n\r\n" + smuggled,
			"a coding in a folded line":     post + "Content-Length: " + strconv.Itoa(5+len(smuggled)) + "\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + smuggled,
			"a coding behind a bare CR":     post + "Content-Length: " + strconv.Itoa(5+len(smuggled)) + "\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
			"a coding with an underscore":   post + "Content-Length: " + strconv.Itoa(5+len(smuggled)) + "\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
			"a chunk with a bare LF":        post + chunked + "\r\n1;\n" + hex(len(smuggled)) + "\r\n" + smuggled + "\r\n0\r\n\r\n",
			"a chunk without its end":       post + chunked + "\r\n2\r\nhixx0\r\n\r\n" + smuggled,
			"a chunk of an absurd size":     post + chunked + "\r\n10000000000000002\r\nhi\r\n0\r\n\r\n" + smuggled,
			"a trailer":                     post + chunked + "\r\n0\r\nContent-Length: " + strconv.Itoa(len(smuggled)) + "\r\n\r\n",
			"a body of a GET":               "GET /first HTTP/1.1\r\n" + head + "Content-Length: " + strconv.Itoa(len(smuggled)) + "\r\n\r\n" + smuggled,
			"an expectation":                post + "Expect: 100-continue\r\nContent-Length: " + strconv.Itoa(len(smuggled)) + "\r\n\r\n" + smuggled,
			"an upgrade that is refused":    "GET /first HTTP/1.1\r\n" + head + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 777\r\nOrigin: https://evil.example\r\n\r\n" + smuggled,
			"HTTP/1.0 that stays open":      "POST /first HTTP/1.0\r\n" + head + "Connection: keep-alive\r\n" + chunked + "\r\n0\r\n\r\n" + smuggled,
			"HTTP/0.9":                      "GET /first\r\n\r\n" + smuggled,
			"a request line with a newline": "GET /first%0d%0aHost:%20evil HTTP/1.1\r\n" + head + "\r\n",
			"a header with a newline":       "GET /first HTTP/1.1\r\n" + head + "X: a%0d%0aGET /smuggled HTTP/1.1\r\n\r\n",
		} {
			g.up.taken()
			answers := sendTo(t, listen, raw)
			got := g.up.taken()
			// A body that ended where the proxy says so is followed by a request of
			// the client's own, which is answered as such. Neither is it somebody
			// else's nor does it come without an answer.
			if len(got) > len(answers) {
				t.Errorf("%s: %d requests at the app for %d answers: %+v", name, len(got), len(answers), got)
			}
			for _, r := range got {
				if r.Target == "/smuggled" && r.Header.Get("X-Wayleave-Subject") != "" {
					t.Errorf("%s: the smuggled request has the person's name", name)
				}
				if r.Target != "/first" && r.Target != "/smuggled" {
					t.Errorf("%s: the app got %s", name, r.Target)
				}
			}
		}
	})
}

func hex(n int) string { return strconv.FormatInt(int64(n), 16) }
