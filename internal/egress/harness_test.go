package egress_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
)

var thisMachine = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// provider is an https server that the policy trusts.
func provider(t testing.TB, h http.HandlerFunc) (*httptest.Server, egress.Policy) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, trusting(s)
}

func trusting(s *httptest.Server) egress.Policy {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return egress.Policy{RootCAs: roots, AllowAddresses: thisMachine}
}

// plainProvider is an http server and a policy under which it may be called.
func plainProvider(t testing.TB, h http.HandlerFunc) (*httptest.Server, egress.Policy) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s, egress.Policy{Development: true}
}

func client(t testing.TB, p egress.Policy) *egress.Client {
	t.Helper()
	c := egress.New(p)
	t.Cleanup(c.CloseIdle)
	return c
}

// rawServer speaks whatever bytes serve writes, one call per connection, and
// counts connections.
type rawServer struct {
	addr        string
	connections atomic.Int64
}

func newRawServer(t testing.TB, serve func(net.Conn)) *rawServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &rawServer{addr: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return s
}

// certificate makes a self-signed one for the given name.
func certificate(t testing.TB, name string, notAfter time.Time) tls.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "127.0.0.1"}, // a common name never counts
		NotBefore:    time.Now().Add(-48 * time.Hour),
		NotAfter:     notAfter,
		IsCA:         true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private, Leaf: leaf}
}
