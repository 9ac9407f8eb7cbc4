package process

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"

	"github.com/wayleave/wayleave/gateway/config"
)

// checkUpstreams connects to each place that routes lead to, with TLS where the
// gateway would. No request is made: what it would do there is not known.
func checkUpstreams(ctx context.Context, c *config.Config, tell teller) {
	seen := map[string]bool{}
	for _, s := range c.Sites {
		for _, r := range s.Routes {
			u := r.Upstream
			if u.URL == nil {
				continue
			}
			name := u.URL.String()
			if u.Socket != "" {
				name = "unix:" + u.Socket
			}
			if id := name + "\n" + u.CAFile; !seen[id] {
				seen[id] = true
				err := reach(ctx, u)
				tell("upstream "+name, err, upstreamCure(err))
			}
		}
	}
}

func reach(ctx context.Context, u config.Upstream) error {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	network, address := "tcp", u.URL.Host
	if u.Socket != "" {
		network, address = "unix", u.Socket
	} else if u.URL.Port() == "" {
		address = net.JoinHostPort(u.URL.Hostname(), map[string]string{"http": "80", "https": "443"}[u.URL.Scheme])
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if u.URL.Scheme != "https" {
		return nil
	}
	how := &tls.Config{ServerName: u.URL.Hostname(), MinVersion: tls.VersionTLS12}
	if u.CAFile != "" {
		if how.RootCAs, err = config.ReadAuthorities(u.CAFile); err != nil {
			return err
		}
	}
	return tls.Client(conn, how).HandshakeContext(ctx)
}

func upstreamCure(err error) string {
	var otherName x509.HostnameError
	var untrusted *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &otherName):
		return "correct the address, or the certificate"
	case errors.As(err, &untrusted):
		return "name the authority of its certificate with ca_file, or correct the address"
	case errors.As(err, &noTLS):
		return "it does not speak TLS: write http://, or correct the address"
	}
	return "start it, or correct the address"
}
