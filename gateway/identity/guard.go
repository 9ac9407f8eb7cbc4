package identity

import "net/http"

// Guard removes headers that upstreams believe. It is immutable, and safe for
// concurrent use.
type Guard struct {
	folded  map[string]bool
	longest int
}

// believed are headers that frameworks take for the truth about the client, or
// route by. A proxy that is trusted sends them; nobody else may.
var believed = []string{
	"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server",
	"X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Access-Token", "X-Forwarded-User",
	"X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Real-Ip", "True-Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
	"X-Original-Url", "X-Original-Uri", "X-Original-Host", "X-Original-Method", "X-Rewrite-Url", "X-Replaced-Path", "X-Scheme", "X-Url-Scheme", "Front-End-Https",
	"X-Http-Method", "X-Http-Method-Override", "X-Method-Override",
	"Proxy", // becomes HTTP_PROXY in CGI, which clients there obey
	"Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Remote-User", "X-Auth-Request-User", "X-Auth-Request-Email",
	"X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username", "X-Auth-Request-Access-Token", "X-Webauth-User",
	"X-Wayleave-Assertion",
}

// NewGuard returns a Guard for these names, our own default ones, and those
// that upstreams commonly believe.
func NewGuard(used ...Names) *Guard {
	g := &Guard{folded: map[string]bool{}}
	names := believed
	for _, n := range append(used, Default()) {
		names = append(names[:len(names):len(names)], n.all()...)
	}
	for _, name := range names {
		g.folded[fold(name)] = true
		g.longest = max(g.longest, len(name))
	}
	return g
}

// Clean removes what a client must not send, in any spelling, and returns how
// many names it removed. It hardly ever allocates.
func (g *Guard) Clean(h http.Header) (removed int) {
	var buf [64]byte
	for name := range h {
		if len(name) > g.longest {
			continue
		}
		if g.folded[string(foldInto(buf[:0], name))] {
			delete(h, name)
			removed++
		}
	}
	return removed
}

// Guards reports whether a client's header of this name is removed.
func (g *Guard) Guards(name string) bool {
	return g.folded[fold(name)]
}

// Same reports whether some program takes the two for one name.
func Same(a, b string) bool { return len(a) == len(b) && fold(a) == fold(b) }

func fold(name string) string { return string(foldInto(nil, name)) }

// foldInto drops what programs fold together: CGI and WSGI make a hyphen an
// underscore, some make a dot or a space one too, and all ignore case.
func foldInto(b []byte, name string) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			b = append(b, c)
		default:
			b = append(b, '-')
		}
	}
	return b
}
