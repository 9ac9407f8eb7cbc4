package egress_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/egress"
)

func TestNET01_A031_A038_A040_CheckURL(t *testing.T) {
	production := egress.Policy{DevelopmentHosts: []string{"keycloak"}}
	development := egress.Policy{Development: true, DevelopmentHosts: []string{"keycloak"}}
	for _, tc := range []struct {
		name     string
		policy   egress.Policy
		url      string
		reason   string // empty: accepted
		insecure bool
	}{
		{"https", production, "https://id.example.com/token?tenant=1", "", false},
		{"https with port", production, "https://id.example.com:8443", "", false},
		{"IPv4 literal", production, "https://192.0.2.7/", "", false},
		{"IPv6 literal", production, "https://[2001:db8::1]:443/", "", false},
		{"trailing dot", production, "https://id.example.com./", "", false},
		{"punycode", production, "https://xn--bcher-kva.example/", "", false},
		{"upper case", production, "HTTPS://ID.EXAMPLE.COM/", "", false},
		{"escaped path", production, "https://id.example.com/a%20b", "", false},

		{"http in production", production, "http://id.example.com/", "must be https", true},
		{"http on loopback in production", production, "http://127.0.0.1/", "must be https", true},
		{"http on a development host in production", production, "http://keycloak/", "must be https", true},
		{"http in development", development, "http://id.example.com/", "must be https", true},
		{"http on localhost in development", development, "http://localhost:9000/", "", false},
		{"http on LOCALHOST in development", development, "http://LOCALHOST/", "", false},
		{"http on a loopback literal in development", development, "http://127.9.9.9:9000/", "", false},
		{"http on IPv6 loopback in development", development, "http://[::1]:9000/", "", false},
		{"http on a listed host in development", development, "http://Keycloak:8080/realms/a", "", false},
		{"http below a listed host", development, "http://evil.keycloak/", "must be https", true},
		{"http on a name that begins like localhost", development, "http://localhost.example.com/", "must be https", true},
		{"http on a private literal in development", development, "http://10.0.0.1/", "must be https", true},

		{"empty", development, "", "not an absolute https URL", true},
		{"relative", development, "/token", "not an absolute https URL", true},
		{"without scheme", development, "//id.example.com/", "not an absolute https URL", true},
		{"A038 javascript", development, "javascript:alert('a b')", "not an absolute https URL", true},
		{"A038 data", development, "data:text/html,<script>", "not an absolute https URL", true},
		{"A031 file", development, "file:///etc/passwd", "not an absolute https URL", true},
		{"A031 gopher", development, "gopher://127.0.0.1:6379/_x", "not an absolute https URL", true},
		{"A031 unix socket", development, "unix:/run/docker.sock", "not an absolute https URL", true},
		{"A031 http+unix", development, "http+unix://%2frun%2fdocker.sock/", "not an absolute https URL", true},
		{"scheme alone", production, "https:", "no //", false},
		{"opaque", production, "https:id.example.com", "no //", false},
		{"one slash", production, "https:/id.example.com", "no //", false},
		{"no host", production, "https:///token", "has no host", true},
		{"a port without host", production, "https://:443/", "has no host", true},

		{"A031 decimal address", production, "https://2130706433/", "neither a name nor an address", true},
		{"A031 octal address", production, "https://0177.0.0.1/", "neither a name nor an address", true},
		{"A031 hexadecimal address", production, "https://0x7f.1/", "neither a name nor an address", true},
		{"A031 short address", production, "https://127.1/", "neither a name nor an address", true},
		{"A031 address with trailing dot", production, "https://127.0.0.1./", "neither a name nor an address", true},
		{"A031 http on a decimal loopback in development", development, "http://2130706433/", "neither a name nor an address", true},
		{"two trailing dots", production, "https://id.example.com../", "neither a name nor an address", true},
		{"a host of dots", production, "https://./", "neither a name nor an address", true},
		{"comma in host", production, "https://a,b/", "neither a name nor an address", true},
		{"star in host", production, "https://*.example.com/", "neither a name nor an address", true},

		{"A040 user", production, "https://SECRET@id.example.com/", "carries a user", false},
		{"A040 user and password", production, "https://user:SECRET@id.example.com/", "carries a user", false},
		{"A040 empty user", production, "https://@id.example.com/", "carries a user", false},
		{"A040 fragment", production, "https://id.example.com/#SECRET", "fragment", false},
		{"A040 empty fragment", production, "https://id.example.com/#", "fragment", false},
		{"A040 line feed", production, "https://id.example.com/\r\nX: 1", "control character", false},
		{"A040 line feed at the end", production, "https://id.example.com/\n", "control character", false},
		{"A040 space in front", production, " https://id.example.com/", "not an absolute https URL", true},
		{"A040 space in host", production, "https://id.example.com .evil/", "a space", false},
		{"A040 tab", production, "https://id.exa\tmple.com/", "control character", false},
		{"A040 zero byte", production, "https://id.example.com/\x00", "control character", false},
		{"A040 backslash", production, `https://id.example.com\@evil.example/`, "backslash", false},
		{"A040 beyond ASCII", production, "https://ıd.example.com/", "beyond ASCII", false},
		{"A040 zone", production, "https://[fe80::1%25eth0]/", "zone", true},
		{"A040 zone on loopback", development, "http://[::1%25lo]/", "zone", true},
		{"A040 escaped host", production, "https://id%2eexample.com/", "cannot be parsed", false},
		{"A040 open bracket", production, "https://[::1/", "cannot be parsed", false},
		{"A040 bad escape in the path", production, "https://id.example.com/%zz", "cannot be parsed", false},
		{"IPv6 without brackets", production, "https://::1/", "cannot be parsed", false},
		{"brackets around IPv4", production, "https://[127.0.0.1]/", "cannot be parsed", false},
		{"empty port", production, "https://id.example.com:/", "port", true},
		{"port 0", production, "https://id.example.com:0/", "port", true},
		{"port too large", production, "https://id.example.com:65536/", "port", true},
		{"port that is a word", production, "https://id.example.com:https/", "cannot be parsed", false},
		{"negative port", production, "https://id.example.com:-1/", "cannot be parsed", false},
	} {
		t.Run("NET-01 "+tc.name, func(t *testing.T) {
			u, err := tc.policy.CheckURL(tc.url)
			if tc.reason == "" {
				if err != nil || u.Host == "" {
					t.Errorf("%q refused: %v", tc.url, err)
				}
				return
			}
			problem, ok := errors.AsType[*egress.URLError](err)
			if !ok || u != nil {
				t.Fatalf("%q: got %v, %v; want a *URLError", tc.url, u, err)
			}
			if !strings.Contains(problem.Reason, tc.reason) {
				t.Errorf("%q %s; want %q", tc.url, problem.Reason, tc.reason)
			}
			if got := errors.Is(err, egress.ErrInsecureURL); got != tc.insecure {
				t.Errorf("%q: ErrInsecureURL is %v, want %v", tc.url, got, tc.insecure)
			}
			if strings.Contains(err.Error(), "SECRET") || strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Errorf("unsafe text: %q", err)
			}
		})
	}
}

func TestURLErrorsShowNoSecrets(t *testing.T) {
	for _, url := range []string{
		"https://user:SECRET@id.example.com/", "SECRET@host", "http://SECRET:SECRET@h?SECRET#SECRET",
		"https://h/?code=SECRET\n", "//SECRET@h", "https://id.example.com/#SECRET", "ftp://h/?SECRET",
	} {
		_, err := egress.Policy{}.CheckURL(url)
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v", url, err)
		}
	}
	_, err := egress.Policy{}.CheckURL("ftp://" + strings.Repeat("a", 10_000))
	if len(err.Error()) > 400 {
		t.Errorf("the error repeats %d bytes", len(err.Error()))
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://id.example.com/a?b", "http://[::1]:80/", "https://a@b", "https://127.1", "javascript:1", `https://a\@b`} {
		f.Add(s)
	}
	policy := egress.Policy{Development: true, DevelopmentHosts: []string{"keycloak"}}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := policy.CheckURL(raw)
		if err != nil {
			if _, ok := errors.AsType[*egress.URLError](err); !ok || u != nil {
				t.Fatalf("%v, %v", u, err)
			}
			return
		}
		if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
			t.Fatalf("%q accepted as %#v", raw, u)
		}
		// What is called is what was checked: written out, it reads the same.
		again, err := policy.CheckURL(u.String())
		if err != nil || again.Host != u.Host || again.Scheme != u.Scheme {
			t.Fatalf("%q is written %q, which reads as %v, %v", raw, u, again, err)
		}
	})
}
