package config

import (
	"crypto/x509"
	"fmt"
	"os"
)

// ReadAuthorities reads a ca_file: PEM certificates of the authorities that are
// trusted instead of those of the system.
func ReadAuthorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: there is no certificate in %s", file)
	}
	return pool, nil
}
