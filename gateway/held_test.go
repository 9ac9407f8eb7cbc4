package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// holds is an upstream with a WebSocket, and with an event stream that begins when
// it is let.
func holds(begin <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			<-begin
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		io.Copy(conn, rw)
	}
}

// TestPRX08_NothingOutlivesItsGateway: neither what nobody signed in for, nor what
// begins to be held after all were ended.
func TestPRX08_NothingOutlivesItsGateway(t *testing.T) {
	for name, late := range map[string]bool{"a WebSocket": false, "an event stream": false, "an event stream that begins later": true} {
		t.Run(name, func(t *testing.T) {
			begin := make(chan struct{})
			reached := make(chan struct{}, 1)
			a := newApp(t, open)
			a.handler = func(w http.ResponseWriter, r *http.Request) {
				reached <- struct{}{}
				holds(begin)(w, r)
			}
			conn, err := net.Dial("tcp", a.base[len("http://"):])
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			upgrade := ""
			if name == "a WebSocket" {
				upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
			}
			fmt.Fprintf(conn, "GET /public HTTP/1.1\r\nHost: %s\r\n%s\r\n", a.base[len("http://"):], upgrade)
			<-reached
			if late {
				a.gw.EndHeld()
			}
			close(begin)
			conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if !late {
				if err != nil || resp.StatusCode >= 300 {
					t.Fatal(resp, err)
				}
				a.gw.EndHeld()
			}
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Error("it is still open")
			}
		})
	}
}
