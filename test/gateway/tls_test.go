package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a certificate authority of a test's own.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, pool: x509.NewCertPool()}
	a.cert, a.key = a.issue(&x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// server writes a certificate for this machine into a folder, and returns it.
func (a *authority) server(dir string) tls.Certificate {
	a.t.Helper()
	cert, key := a.issue(&x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert.Raw}, "key.pem": {Type: "PRIVATE KEY", Bytes: der}, "ca.pem": {Type: "CERTIFICATE", Bytes: a.cert.Raw}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// TestTLS: a login over https by HTTP/2 and HTTP/1.1, and what only https has.
func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	g := startAs(t, newIDP(t), func(g *gateway) setup {
		ca.server(g.dir)
		return setup{base: "https://" + g.listen, extra: "tls: {certificate: cert.pem, key: key.pem}\n"}
	})
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprintf("HTTP/%d", version), func(t *testing.T) {
			b := g.browser()
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool}, ForceAttemptHTTP2: version == 2}
			defer transport.CloseIdleConnections()
			b.client.Transport = transport
			var set []string
			b.client.Jar = &watchedJar{b.client.Jar, &set}
			g.up.taken()
			if at := b.signIn("grace", "/page?x=y"); at.StatusCode != 200 || at.ProtoMajor != version {
				t.Fatalf("%d by %s", at.StatusCode, at.Proto)
			}
			r := g.only()
			if r.Target != "/page?x=y" || r.Header.Get("X-Forwarded-Proto") != "https" || r.Header.Get("X-Forwarded-Host") != g.listen || r.Header.Get("X-Wayleave-Subject") != "grace" {
				t.Errorf("the upstream got %+v", r)
			}
			if len(set) < 2 {
				t.Errorf("cookies %q", set)
			}
			for _, line := range set {
				name, _, _ := strings.Cut(line, "=")
				if !strings.HasPrefix(name, "__Host-wayleave-") || !strings.Contains(line, "; Secure") || !strings.Contains(line, "HttpOnly") || !strings.Contains(line, "SameSite=Lax") || strings.Contains(line, "Domain") {
					t.Errorf("SES-03 the cookie %s has not what https can have", name)
				}
			}
			for path, want := range map[string]string{"/auth/session": "max-age=31536000", "/auth/logout": "max-age=31536000", "/admin": "", "/page": ""} {
				// The app's own answers are the app's to judge.
				if got := b.ask("GET", path).Header.Get("Strict-Transport-Security"); got != want {
					t.Errorf("%s: Strict-Transport-Security %q, want %q", path, got, want)
				}
			}
		})
	}
	t.Run("plain HTTP", func(t *testing.T) {
		if answers := g.send("GET / HTTP/1.1\r\nHost: " + g.listen + "\r\n\r\n"); len(answers) != 1 || answers[0].StatusCode != 400 {
			t.Errorf("%v", statuses(answers))
		}
	})
	t.Run("old versions of TLS", func(t *testing.T) {
		_, err := tls.Dial("tcp", g.listen, &tls.Config{RootCAs: ca.pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		if err == nil || !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("%v", err)
		}
	})
}

// watchedJar notes how cookies were set.
type watchedJar struct {
	http.CookieJar
	set *[]string
}

func (w *watchedJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		if c.MaxAge >= 0 {
			*w.set = append(*w.set, c.Raw)
		}
	}
	w.CookieJar.SetCookies(u, cookies)
}

// TestPRX03_A114_WhereTLSEnds: in front of us, and who says http is refused if it
// is a proxy that is trusted; anybody else's word is nothing.
func TestPRX03_A114_WhereTLSEnds(t *testing.T) {
	const host = "app.example.test"
	for name, tc := range map[string]struct {
		extra string
		http  int // to X-Forwarded-Proto: http
	}{
		"the proxy is trusted": {trusting, 400},
		"nobody is":            {"", 401},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, setup{base: "https://" + host, extra: tc.extra})
			for header, status := range map[string]int{
				"": 401, "X-Forwarded-Proto: https\r\n": 401, "X-Forwarded-Proto: http\r\n": tc.http,
				"X_Forwarded_Proto: http\r\n": 401, "Forwarded: proto=http\r\n": 401, "X-Forwarded-Host: evil.example\r\n": 401, "X-Forwarded-Port: 80\r\nX-Forwarded-Scheme: http\r\nX-Forwarded-Prefix: /evil\r\n": 401,
			} {
				g.up.taken()
				answers := g.send("GET /api/x HTTP/1.1\r\nHost: " + host + "\r\n" + header + "Connection: close\r\n\r\n")
				if len(answers) != 1 || answers[0].StatusCode != status || len(g.up.taken()) > 0 {
					t.Fatalf("%q: %v, want %d", header, statuses(answers), status)
				}
				if status == 401 && !strings.Contains(answers[0].body, "https://"+host+"/auth/dev/login") {
					t.Errorf("%q: %s", header, answers[0].body)
				}
				// A login's cookies and redirect URI come from base_url.
				answers = g.send("GET /auth/dev/login?return_to=/ HTTP/1.1\r\nHost: " + host + "\r\n" + header + "Connection: close\r\n\r\n")
				if status == 401 && (answers[0].StatusCode != 303 || !strings.Contains(answers[0].Header.Get("Location"), "redirect_uri=https%3A%2F%2F"+host+"%2Fauth%2Fdev%2Fcallback") || !strings.Contains(answers[0].Header.Get("Set-Cookie"), "; Secure")) {
					t.Errorf("%q: the login %d %v", header, answers[0].StatusCode, answers[0].Header)
				}
			}
		})
	}
}

// TestPRX10_Hosts: only those of the file are served, and what a Host says is in
// nothing that is answered.
func TestPRX10_Hosts(t *testing.T) {
	const host = "app.example.test"
	g := start(t, setup{base: "https://" + host})
	for given, status := range map[string]int{
		host: 401, "APP.Example.Test": 401, host + ":443": 401,
		host + ":80": 421, host + ":8443": 421, host + ".": 421, "evil.example": 421, "x." + host: 421, host + ".evil.example": 421, "127.0.0.1": 421, "localhost": 421, g.listen: 421,
		"": 421, "evil example": 400, "evil/" + host: 400, host + "@evil.example": 421, "evil.example#" + host: 421, host + ":443:443": 421, "[::1": 421, "\u00e9vil.example": 400,
	} {
		t.Run(given, func(t *testing.T) {
			g.up.taken()
			answers := g.send("GET /api/x HTTP/1.1\r\nHost: " + given + "\r\nConnection: close\r\n\r\n")
			if len(answers) != 1 || answers[0].StatusCode != status && !(status == 421 && answers[0].StatusCode == 400) || len(g.up.taken()) > 0 {
				t.Fatalf("%v, want %d", statuses(answers), status)
			}
			at := answers[0]
			if said := fmt.Sprint(at.Header, at.body); strings.Contains(said, "evil") || at.Header.Get("Set-Cookie") != "" || status == 401 && !strings.Contains(said, "https://"+host+"/auth/") {
				t.Errorf("%s", said)
			}
		})
	}
}
