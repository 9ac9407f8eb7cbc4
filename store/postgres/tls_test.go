package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	servers "github.com/wayleave/wayleave/internal/testservers/postgres"
	"github.com/wayleave/wayleave/store/postgres"
)

func TestServerMustProveWhoItIs(t *testing.T) {
	t.Parallel()
	certificate, key := selfSigned(t)
	server := servers.Start(t, servers.Options{Certificate: certificate, Key: key})
	address := server.Database(t)
	known := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(known, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("known", func(t *testing.T) {
		s := openStore(t, address+"?sslmode=verify-full&sslrootcert="+known, postgres.Options{})
		mustCreate(t, s, sessions, randomKey(), lasting("v"))
		encrypted := query[bool](t, psql(t, address), `SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'wayleave'`)
		if !encrypted {
			t.Error("not encrypted")
		}
	})
	t.Run("unknown", func(t *testing.T) {
		_, err := postgres.Open(t.Context(), address+"?sslmode=verify-full", postgres.Options{})
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("error is %v, want one about the certificate", err)
		}
	})
	t.Run("known under another name", func(t *testing.T) {
		_, err := postgres.Open(t.Context(), strings.Replace(address, "127.0.0.1", "localhost", 1)+"?sslmode=verify-full&sslrootcert="+known, postgres.Options{})
		if err == nil || !strings.Contains(err.Error(), "localhost") {
			t.Errorf("error is %v, want one about the name", err)
		}
	})
	t.Run("not at all", func(t *testing.T) {
		_, err := postgres.Open(t.Context(), shared.Server(t).Database(t)+"?sslmode=verify-full&sslrootcert="+known, postgres.Options{})
		if err == nil || !strings.Contains(err.Error(), "sslmode=disable") {
			t.Errorf("error is %v, want one that names the way out", err)
		}
	})
}

// selfSigned returns a certificate for 127.0.0.1 and its key, both as PEM.
func selfSigned(t testing.TB) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
