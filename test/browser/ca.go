package browser

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// CA is a certificate authority of the test's own. A browser started with it in
// [Options.Trust] judges its certificates as it judges any other: chain, names
// and dates. (Chromium's list of ignored key hashes would need one tool less,
// but switches that judgement off.)
type CA struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewCA makes an authority with a new key. It lives for an hour.
func NewCA(t testing.TB) *CA {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: "Wayleave test authority"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatalf("sign the authority's certificate: %v", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("read the authority's certificate: %v", err)
	}
	return &CA{certificate, key}
}

// PEM is the authority's certificate, for programs other than the browser.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw})
}

// Pool is the authority alone, for clients and servers written in Go.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.certificate)
	return pool
}

// Certificate is one for a server with these names: hosts ("*.app.test" is one)
// and IP addresses.
func (ca *CA) Certificate(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: names[0]},
		NotBefore: ca.certificate.NotBefore, NotAfter: ca.certificate.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, key.Public(), ca.key)
	if err != nil {
		t.Fatalf("sign a certificate: %v", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, ca.certificate.Raw}, PrivateKey: key}
}

// Serve answers https for these names on a free loopback port until the test
// ends, and returns its address for [Options.Hosts].
func (ca *CA) Serve(t testing.TB, handler http.Handler, names ...string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("open a port: %v", err)
	}
	ca.ServeOn(t, listener, handler, names...)
	return listener.Addr().String()
}

// ServeOn is [CA.Serve] on a port that is open already. It closes it.
func (ca *CA) ServeOn(t testing.TB, listener net.Listener, handler http.Handler, names ...string) {
	t.Helper()
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Certificate(t, names...)}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a browser that refuses shows it itself
	server.StartTLS()
	t.Cleanup(server.Close)
}

// install makes the NSS database in which chromium on Linux looks for the
// authorities of the user whose home this is. A used profile has one already.
func (ca *CA) install(t testing.TB, home string) {
	t.Helper()
	certutil := require(t, "certutil")
	folder := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatalf("make the browser's certificate database: %v", err)
	}
	file := filepath.Join(home, "authority.pem")
	if err := os.WriteFile(file, ca.PEM(), 0o600); err != nil {
		t.Fatalf("write the authority's certificate: %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "cert9.db")); err != nil {
		run(t, certutil, "-N", "-d", "sql:"+folder, "--empty-password")
	}
	name := ca.certificate.SerialNumber.String()
	run(t, certutil, "-A", "-d", "sql:"+folder, "-n", name, "-t", "C,,", "-i", file)
}

func run(t testing.TB, program string, args ...string) {
	t.Helper()
	if output, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, args[0], err, output)
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	return key
}

func serial(t testing.TB) *big.Int {
	t.Helper()
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatalf("make a serial number: %v", err)
	}
	return number
}
