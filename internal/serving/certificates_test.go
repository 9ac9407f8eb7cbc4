package serving_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/serving"
)

// pair writes a certificate of that name with its key, and returns their paths.
func pair(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	write(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return certFile, keyFile
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// shown is the name in the certificate that a server shows.
func shown(t *testing.T, c *tls.Config) string {
	t.Helper()
	got, err := c.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return got.Leaf.Subject.CommonName
}

func TestCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		certFile, keyFile := pair(t, dir, "one")
		var told []error
		c, err := serving.LoadCertificates(certFile, keyFile, func(err error) { told = append(told, err) })
		if err != nil {
			t.Fatal(err)
		}
		conf := c.Config()
		expect := func(want string, wantTold int) {
			t.Helper()
			if got := shown(t, conf); got != want {
				t.Errorf("shows %s, want %s", got, want)
			}
			if len(told) != wantTold {
				t.Errorf("told %v, want %d", told, wantTold)
			}
		}
		expect("one", 0)
		time.Sleep(time.Hour)
		expect("one", 0)

		pair(t, dir, "two")
		expect("one", 0) // looked a moment ago
		time.Sleep(2 * time.Second)
		expect("two", 1)
		if told[0] != nil {
			t.Errorf("told %v", told[0])
		}

		// A new certificate whose key has not arrived yet.
		old, err := os.ReadFile(keyFile)
		if err != nil {
			t.Fatal(err)
		}
		pair(t, dir, "three")
		key, err := os.ReadFile(keyFile)
		if err != nil {
			t.Fatal(err)
		}
		write(t, keyFile, old)
		time.Sleep(2 * time.Second)
		expect("two", 2)
		if told[1] == nil || !strings.Contains(told[1].Error(), certFile) || strings.Contains(told[1].Error(), string(old)) {
			t.Errorf("told %v", told[1])
		}
		time.Sleep(2 * time.Second)
		expect("two", 2) // once is enough
		write(t, keyFile, key)
		if err := c.Reload(); err != nil {
			t.Error(err)
		}
		expect("three", 3)

		if err := os.Remove(certFile); err != nil {
			t.Fatal(err)
		}
		if err := c.Reload(); err == nil {
			t.Error("a missing file is no error")
		}
		expect("three", 4)
	})

	t.Run("TLS 1.1 is refused, HTTP/2 is offered", func(t *testing.T) {
		certFile, keyFile := pair(t, t.TempDir(), "one")
		c, err := serving.LoadCertificates(certFile, keyFile, nil)
		if err != nil {
			t.Fatal(err)
		}
		for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
			near, far := net.Pipe()
			go tls.Server(far, c.Config()).Handshake()
			conn := tls.Client(near, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2"}})
			if err := conn.Handshake(); (err == nil) != want {
				t.Errorf("version %x: %v", version, err)
			} else if proto := conn.ConnectionState().NegotiatedProtocol; want && proto != "h2" {
				t.Errorf("version %x: protocol %q", version, proto)
			}
			near.Close()
		}
	})

	t.Run("files that are missing or no pair", func(t *testing.T) {
		dir := t.TempDir()
		certFile, keyFile := pair(t, dir, "one")
		if _, err := serving.LoadCertificates(filepath.Join(dir, "none"), keyFile, nil); err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Errorf("missing: %v", err)
		}
		if _, err := serving.LoadCertificates(certFile, certFile, nil); err == nil {
			t.Error("a certificate is no key")
		}
	})
}
