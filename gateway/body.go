package gateway

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// boundBody bounds the time until a body begins; reading it moves the bound. It
// counts for a body that nobody reads as well: the server waits for what is left
// of it when the request was answered, and would wait for ever.
func (v *visit) boundBody() {
	if v.r.ContentLength != 0 && v.g.limits.BodyTime > 0 {
		// Not every kind of connection has a deadline.
		_ = http.NewResponseController(v.answer.ResponseWriter).SetReadDeadline(v.began.Add(v.g.limits.BodyTime))
	}
}

// checkBody bounds the request's body: its size, and the time without progress.
func (r *route) checkBody(v *visit) bool {
	if v.r.Body == nil || v.r.Body == http.NoBody || v.r.ContentLength == 0 {
		return true
	}
	// The server looks at its own request's body to see what of it is left.
	v.r = v.r.WithContext(v.r.Context())
	if r.maxBody >= 0 {
		if v.r.ContentLength > r.maxBody {
			v.hangUp()
			return v.refuse(http.StatusRequestEntityTooLarge, "the body is too large")
		}
		v.r.Body = http.MaxBytesReader(nil, v.r.Body, r.maxBody)
	}
	b := &body{ReadCloser: v.r.Body, rc: http.NewResponseController(v.answer.ResponseWriter), within: v.g.limits.BodyTime, h2: v.r.ProtoMajor > 1}
	if r.streams && v.r.ProtoMajor > 1 && strings.HasPrefix(v.r.Header.Get("Content-Type"), "application/grpc") {
		// A stream in both directions, in which the client may have nothing to
		// say for hours. It holds no connection of its own.
		b.within = 0
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	v.body, v.r.Body = b, b
	return true
}

// body moves the deadline with each read, so that a slow body can take its time
// and one that stands still cannot. A transport may read it for longer than its
// request's handler lives, to which all but the body belongs.
type body struct {
	io.ReadCloser
	within time.Duration
	h2     bool
	until  time.Time // of the reader alone

	mu    sync.Mutex
	rc    *http.ResponseController // nil once the handler returns
	wrong error
}

func (b *body) Read(p []byte) (int, error) {
	if now := time.Now(); b.within > 0 && b.until.Sub(now) < b.within*3/4 {
		b.until = now.Add(b.within)
		b.deadline(b.until)
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF && b.within > 0:
		// Or it would end the connection while the upstream thinks.
		b.deadline(time.Time{})
	case err == nil && b.h2 && b.within > 0:
		// There the deadline ends the body, also while nobody waits for more of it.
		b.until = time.Time{}
		b.deadline(b.until)
	case err != nil && err != io.EOF:
		b.mu.Lock()
		b.wrong = err
		b.mu.Unlock()
	}
	return n, err
}

func (b *body) deadline(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rc != nil {
		_ = b.rc.SetReadDeadline(at) // not every kind of connection has one
	}
}

// end is called when the handler returns.
func (b *body) end() {
	if b != nil {
		b.mu.Lock()
		b.rc = nil
		b.mu.Unlock()
	}
}

func (b *body) err() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wrong
}
