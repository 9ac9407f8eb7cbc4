package egress

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Policy says where one provider's calls may go. The zero Policy is the one
// for the public internet: https, public addresses, the system's roots.
type Policy struct {
	// RootCAs verify servers; nil means the system's. A set given here
	// replaces the system's: who wants both builds a pool of both.
	RootCAs *x509.CertPool
	// AllowAddresses are address ranges that this provider may use although
	// they are not public. They do not permit http.
	AllowAddresses []netip.Prefix
	// Development permits http, and connections to this machine, for loopback
	// literals, "localhost" and DevelopmentHosts.
	Development bool
	// DevelopmentHosts are further host names, without port, that may be
	// called over http and on private addresses. Without Development they
	// mean nothing.
	DevelopmentHosts []string
	// UserAgent is sent with each request; empty means "wayleave".
	UserAgent string
	// Timeout bounds a call from its start to the last byte of its answer; 0
	// means 10 seconds.
	Timeout time.Duration
}

func (p Policy) withDefaults() Policy {
	p.AllowAddresses = slices.Clone(p.AllowAddresses)
	p.DevelopmentHosts = slices.Clone(p.DevelopmentHosts)
	p.UserAgent = cmp.Or(p.UserAgent, "wayleave")
	if p.Timeout <= 0 {
		p.Timeout = 10 * time.Second
	}
	return p
}

// URLError says what is wrong with a URL. It is ErrInsecureURL where the
// scheme or the host is the problem.
type URLError struct {
	URL    string // without user, query and fragment
	Reason string

	insecure bool
}

func (e *URLError) Error() string { return fmt.Sprintf("URL %q %s", e.URL, e.Reason) }

func (e *URLError) Unwrap() error {
	if e.insecure {
		return ErrInsecureURL
	}
	return nil
}

// CheckURL parses a URL that we are to call or to send a browser to: absolute,
// https (http where Development permits that host), with a host, and without
// user, fragment, control characters, spaces, backslashes or anything else
// that two parsers could read differently. The error is a *URLError. To which
// addresses the host leads is checked when connecting, not here.
func (p Policy) CheckURL(raw string) (*url.URL, error) {
	insecure := func(reason string) (*url.URL, error) {
		return nil, &URLError{URL: redact(raw), Reason: reason, insecure: true}
	}
	malformed := func(reason string) (*url.URL, error) {
		return nil, &URLError{URL: redact(raw), Reason: reason}
	}
	scheme, rest, _ := strings.Cut(raw, ":")
	if !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return insecure("is not an absolute https URL")
	}
	if !strings.HasPrefix(rest, "//") {
		return malformed("has no // behind its scheme")
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return malformed("contains a space, a backslash, a control character or a character beyond ASCII")
	}
	if strings.Contains(raw, "#") {
		return malformed("has a fragment")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return malformed("cannot be parsed") // the parser's own text repeats the URL
	}
	if u.User != nil {
		return malformed("carries a user")
	}
	if reason := hostProblem(u); reason != "" {
		return insecure(reason)
	}
	if u.Scheme != "https" && !p.plainHTTP(u.Hostname()) {
		return insecure("must be https (http is for development, on this machine or a host listed for it)")
	}
	return u, nil
}

// hostProblem says what is wrong with host and port, or "".
func hostProblem(u *url.URL) string {
	host := u.Hostname()
	if host == "" {
		return "has no host"
	}
	_, port, hasPort := strings.Cut(u.Host[strings.LastIndexByte(u.Host, ']')+1:], ":")
	if n, err := strconv.ParseUint(port, 10, 16); hasPort && (err != nil || n == 0) {
		return "has a port that is none"
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "has an IPv6 zone"
		}
		return ""
	}
	for i := range len(host) {
		if c := host[i] | 0x20; !('a' <= c && c <= 'z') && !strings.ContainsRune("0123456789-._", rune(host[i])) {
			return "has a host that is neither a name nor an address"
		}
	}
	// Resolvers read 2130706433, 127.1 and 0x7f.1 as addresses.
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if last := labels[len(labels)-1]; last == "" || '0' <= last[0] && last[0] <= '9' {
		return "has a host that is neither a name nor an address"
	}
	return ""
}

// plainHTTP reports whether the host may be called without TLS.
func (p Policy) plainHTTP(host string) bool {
	return p.isThisMachine(host) || p.isDevelopmentHost(host)
}

func (p Policy) isThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return p.Development && (strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback())
}

func (p Policy) isDevelopmentHost(host string) bool {
	return p.Development && slices.ContainsFunc(p.DevelopmentHosts, func(name string) bool {
		return strings.EqualFold(name, host)
	})
}

// redact keeps of a URL what an error may show.
func redact(raw string) string {
	if end := strings.IndexAny(raw, "?#"); end >= 0 {
		raw = raw[:end]
	}
	if at := strings.LastIndexByte(raw, '@'); at >= 0 {
		raw = "…" + raw[at:]
	}
	return raw[:min(len(raw), 200)]
}
