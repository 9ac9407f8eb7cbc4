package gateway

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// TestPRX03_A115_WhoseAddress: the last one in X-Forwarded-For that no trusted
// proxy has, and only if a trusted proxy says so.
func TestPRX03_A115_WhoseAddress(t *testing.T) {
	p := peers{prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}}
	withUnix := peers{unix: true}
	for _, tc := range []struct {
		name    string
		p       peers
		remote  string
		xff     []string
		client  string
		trusted bool
	}{
		{"a stranger", p, "192.0.2.7:1", nil, "192.0.2.7", false},
		{"a stranger who claims to be another", p, "192.0.2.7:1", []string{"198.51.100.1"}, "192.0.2.7", false},
		{"a proxy without a word", p, "10.0.0.1:1", nil, "10.0.0.1", true},
		{"a proxy", p, "10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1", true},
		{"what the client wrote before", p, "10.0.0.1:1", []string{"127.0.0.1, 198.51.100.1"}, "198.51.100.1", true},
		{"two proxies", p, "10.0.0.1:1", []string{"127.0.0.1, 198.51.100.1, 10.0.0.2"}, "198.51.100.1", true},
		{"two lines", p, "10.0.0.1:1", []string{"198.51.100.9", "198.51.100.1, 10.0.0.2"}, "198.51.100.1", true},
		{"only proxies", p, "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", true},
		{"no address", p, "10.0.0.1:1", []string{"198.51.100.1, evil"}, "10.0.0.1", true},
		{"an address with a port", p, "10.0.0.1:1", []string{"198.51.100.1:80"}, "10.0.0.1", true},
		{"a flood", p, "10.0.0.1:1", []string{strings.Repeat("10.0.0.2, ", 1000) + "10.0.0.2"}, "10.0.0.2", true},
		{"IPv6", p, "[2001:db8:2:3:4::5]:1", nil, "2001:db8:2:3:4::5", false},
		{"an IPv6 proxy", p, "[2001:db8:1::1]:1", []string{"2001:db8:2:3:4::5"}, "2001:db8:2:3:4::5", true},
		{"IPv4 in IPv6", p, "[::ffff:10.0.0.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1", true},
		{"a zone", p, "[fe80::1%eth0]:1", nil, "fe80::1", false},
		{"a unix socket that is not trusted", p, "@", []string{"198.51.100.1"}, "unix", false},
		{"a unix socket", withUnix, "@", []string{"198.51.100.1"}, "198.51.100.1", true},
		{"a unix socket without a word", withUnix, "", nil, "unix", true},
		{"an address where only the socket is trusted", withUnix, "127.0.0.1:1", []string{"198.51.100.1"}, "127.0.0.1", false},
		{"nonsense", p, "nonsense", []string{"198.51.100.1"}, "unix", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tc.remote, Header: http.Header{"X-Forwarded-For": tc.xff}}
			if client, trusted := tc.p.client(r); client != tc.client || trusted != tc.trusted {
				t.Errorf("%s, trusted %v; want %s, %v", client, trusted, tc.client, tc.trusted)
			}
		})
	}
}
