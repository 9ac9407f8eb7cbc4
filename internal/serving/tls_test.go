//go:build unix

package serving_test

import (
	"crypto/tls"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// The certificate is replaced while clients stay connected, and a restart keeps
// the new one.
func TestTLS_TheCertificateChanges(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := pair(t, dir, "one")
	r := run(t, settings{Cert: certFile, Key: keyFile, Linger: time.Millisecond})
	address := r.address("app")
	name := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	kept := &http.Client{Transport: tr, Timeout: patience}
	ask := func() {
		t.Helper()
		res, err := kept.Get("https://" + address + "/")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.ProtoMajor != 2 {
			t.Errorf("protocol %s", res.Proto)
		}
	}
	ask()
	if got := name(); got != "one" {
		t.Errorf("shows %s", got)
	}
	pair(t, dir, "two")
	r.signal(r.pid(), syscall.SIGHUP)
	r.await("reloaded", 0)
	ask()
	if got := name(); got != "two" {
		t.Errorf("shows %s", got)
	}
	r.signal(r.pid(), syscall.SIGUSR2)
	r.await("handed over", 0)
	r.exited(0)
	ask()
	if got := name(); got != "two" {
		t.Errorf("shows %s after the restart", got)
	}
}
