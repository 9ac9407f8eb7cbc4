package egress_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
)

func TestNET02_A041_TLS(t *testing.T) {
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	for _, tc := range []struct {
		name    string
		config  *tls.Config
		trusted bool
		ok      bool
	}{
		{"a trusted certificate for this host", &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.1", tomorrow)}}, true, true},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.1", tomorrow)}, MaxVersion: tls.VersionTLS12}, true, true},
		{"self-signed", &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.1", tomorrow)}}, false, false},
		{"for another host", &tls.Config{Certificates: []tls.Certificate{certificate(t, "id.example.com", tomorrow)}}, true, false},
		{"for another address, with ours as common name", &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.2", tomorrow)}}, true, false},
		{"expired", &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.1", yesterday)}}, true, false},
		{"TLS 1.1", &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.1", tomorrow)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, true, false},
		{"TLS 1.0", &tls.Config{Certificates: []tls.Certificate{certificate(t, "127.0.0.1", tomorrow)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, true, false},
	} {
		t.Run("A041 "+tc.name, func(t *testing.T) {
			var requests atomic.Int64
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
			s.Config.ErrorLog = quiet
			s.TLS = tc.config
			s.StartTLS()
			defer s.Close()
			roots := x509.NewCertPool()
			if tc.trusted {
				roots.AddCert(tc.config.Certificates[0].Leaf)
			}
			c := client(t, egress.Policy{RootCAs: roots, AllowAddresses: thisMachine})
			_, err := c.Do(t.Context(), egress.Request{URL: s.URL})
			if tc.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, egress.ErrTLS) {
				t.Errorf("got %v, want ErrTLS", err)
			}
			if requests.Load() != 0 {
				t.Error("the request was sent")
			}
		})
	}
	t.Run("A041 the system does not know the test's authority", func(t *testing.T) {
		s, _ := provider(t, func(http.ResponseWriter, *http.Request) {})
		_, err := client(t, egress.Policy{AllowAddresses: thisMachine}).Do(t.Context(), egress.Request{URL: s.URL})
		if !errors.Is(err, egress.ErrTLS) {
			t.Errorf("got %v, want ErrTLS", err)
		}
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
			t.Errorf("the cause of %v is hidden", err)
		}
	})
}

// A server without TLS gets a TLS greeting and nothing after it.
func TestNET02_NoPlaintextRetry(t *testing.T) {
	received := make(chan []byte, 1)
	raw := newRawServer(t, func(conn net.Conn) {
		first := make([]byte, 4096)
		n, _ := conn.Read(first)
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
		rest, _ := io.ReadAll(conn)
		received <- append(first[:n], rest...)
	})
	_, err := client(t, egress.Policy{AllowAddresses: thisMachine}).Do(t.Context(),
		egress.Request{Method: "POST", URL: "https://" + raw.addr, Body: []byte("SECRET")})
	if !errors.Is(err, egress.ErrTLS) {
		t.Errorf("got %v, want ErrTLS", err)
	}
	if n := raw.connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	select {
	case got := <-received:
		if bytes.Contains(got, []byte("SECRET")) {
			t.Error("the body was sent in clear")
		}
	case <-time.After(5 * time.Second):
		t.Error("the connection stays open")
	}
}
