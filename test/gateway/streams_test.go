package gateway_test

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestPRX08_EachStreamEndsWithItsSession: sign in, open a stream, sign out, many
// times and several at once: none outlives its session.
func TestPRX08_EachStreamEndsWithItsSession(t *testing.T) {
	times := int64(long(60, 200))
	g := start(t, setup{store: "file:wayleave.db", extra: "log: {requests: false}\n"})
	g.answerWith(talks)
	var next atomic.Int64
	var all sync.WaitGroup
	for range long(8, 1) {
		all.Go(func() {
			for next.Add(1) <= times && !t.Failed() {
				b := g.browser()
				b.signIn("ada", "/x")
				c, resp, err := g.hold("/events", "Cookie: "+b.cookies()+"\r\n")
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("stream: %v %v", resp, err)
					return
				}
				out := b.ask("POST", "/auth/logout", "Origin", g.base, "Sec-Fetch-Site", "same-origin")
				began := time.Now()
				c.SetReadDeadline(began.Add(10 * time.Second))
				if _, err := io.Copy(io.Discard, c.r); os.IsTimeout(err) {
					t.Errorf("a stream lives %v after its session; the logout was answered with %d, and the session endpoint with %d", time.Since(began), out.StatusCode, b.ask("GET", "/auth/session").StatusCode)
				}
				c.Close()
				b.client.CloseIdleConnections()
			}
		})
	}
	all.Wait()
}
