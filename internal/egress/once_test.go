package egress_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
)

// reset ends a connection with RST instead of FIN.
func reset(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// A code or refresh token is spent by its first arrival, so that a request
// that carries one is never sent again, however the first one failed.
func TestNET11_RequestsWithBodiesAreSentOnce(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(net.Conn)
	}{
		{"reset", reset},
		{"closed", func(conn net.Conn) { conn.Close() }},
		{"half an answer", func(conn net.Conn) { io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Le"); conn.Close() }},
	} {
		for _, warm := range []bool{false, true} {
			name := tc.name + " on a fresh connection"
			if warm {
				name = tc.name + " on a connection used before"
			}
			t.Run("NET-11 "+name, func(t *testing.T) {
				var posts atomic.Int64
				raw := newRawServer(t, func(conn net.Conn) {
					in := bufio.NewReader(conn)
					for {
						r, err := http.ReadRequest(in)
						if err != nil {
							return
						}
						io.Copy(io.Discard, r.Body)
						if r.Method == "POST" {
							posts.Add(1)
							tc.end(conn)
							return
						}
						io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					}
				})
				c := client(t, egress.Policy{Development: true})
				if warm {
					if _, err := c.Do(t.Context(), egress.Request{URL: "http://" + raw.addr}); err != nil {
						t.Fatal(err)
					}
				}
				_, err := c.Do(t.Context(), egress.Request{
					Method: "POST", URL: "http://" + raw.addr, Body: []byte("code=1"),
					Header: http.Header{"Idempotency-Key": {"would make net/http try again"}},
				})
				if !errors.Is(err, egress.ErrUnreachable) {
					t.Errorf("got %v, want ErrUnreachable", err)
				}
				if n := posts.Load(); n != 1 {
					t.Errorf("%d requests arrived, want 1", n)
				}
				if n := raw.connections.Load(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			})
		}
	}
}

// A server that closes a connection while it idles: the next request fails or
// takes a fresh one, and arrives at most once.
func TestNET11_DeadIdleConnections(t *testing.T) {
	for range 50 {
		var posts atomic.Int64
		raw := newRawServer(t, func(conn net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				return
			}
			io.Copy(io.Discard, r.Body)
			if r.Method == "POST" {
				posts.Add(1)
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			reset(conn)
		})
		c := client(t, egress.Policy{Development: true})
		if _, err := c.Do(t.Context(), egress.Request{URL: "http://" + raw.addr}); err != nil {
			continue // the reset overtook the answer
		}
		_, err := c.Do(t.Context(), egress.Request{Method: "POST", URL: "http://" + raw.addr, Body: []byte("code=1")})
		if n := posts.Load(); n > 1 || n == 0 && err == nil {
			t.Fatalf("%d requests arrived, error %v", n, err)
		}
	}
}

// Over HTTP/2 a server can say "not processed, send it again" after having
// read everything.
func TestNET11_HTTP2RefusalIsNotBelieved(t *testing.T) {
	certificate := certificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Leaf)
	for name, code := range map[string]byte{"REFUSED_STREAM": 7, "PROTOCOL_ERROR": 1, "CANCEL": 8} {
		t.Run("NET-11 "+name, func(t *testing.T) {
			var posts atomic.Int64
			raw := newRawServer(t, func(conn net.Conn) {
				secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}})
				refuseStreams(secure, code, &posts)
			})
			c := client(t, egress.Policy{RootCAs: roots, AllowAddresses: thisMachine})
			_, err := c.Do(t.Context(), egress.Request{Method: "POST", URL: "https://" + raw.addr, Body: []byte("code=1")})
			if !errors.Is(err, egress.ErrUnreachable) || posts.Load() != 1 {
				t.Errorf("%d requests arrived, error %v; want 1 and ErrUnreachable", posts.Load(), err)
			}
		})
	}
}

// refuseStreams is as much of an HTTP/2 server (RFC 9113) as it takes to read
// requests with bodies and reset each with the given code.
func refuseStreams(conn net.Conn, code byte, requests *atomic.Int64) {
	const data, reset, settings, endStream = 0, 3, 4, 1
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return
	}
	conn.Write([]byte{0, 0, 0, settings, 0, 0, 0, 0, 0})
	for {
		frame := make([]byte, 9)
		if _, err := io.ReadFull(conn, frame); err != nil {
			return
		}
		length := int64(frame[0])<<16 | int64(frame[1])<<8 | int64(frame[2])
		if _, err := io.CopyN(io.Discard, conn, length); err != nil {
			return
		}
		if frame[3] == data && frame[4]&endStream != 0 {
			requests.Add(1)
			conn.Write(append([]byte{0, 0, 4, reset, 0}, append(frame[5:9:9], 0, 0, 0, code)...))
		}
	}
}
