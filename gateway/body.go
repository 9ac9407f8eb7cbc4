package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
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
			v.answer.Header().Set("Connection", "close")
			return v.refuse(http.StatusRequestEntityTooLarge, "the body is too large")
		}
		v.r.Body = http.MaxBytesReader(v.answer.ResponseWriter, v.r.Body, r.maxBody)
	}
	b := &body{ReadCloser: v.r.Body, v: v, rc: http.NewResponseController(v.answer.ResponseWriter), within: v.g.limits.BodyTime}
	if v.r.ProtoMajor > 1 && strings.HasPrefix(v.r.Header.Get("Content-Type"), "application/grpc") {
		// A stream in both directions, in which the client may have nothing to
		// say for hours. It holds no connection of its own.
		b.within = 0
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	v.r.Body = b
	return true
}

// body moves the deadline with each read, so that a slow body can take its time
// and one that stands still cannot.
type body struct {
	io.ReadCloser
	v      *visit
	rc     *http.ResponseController
	within time.Duration
	until  time.Time
}

func (b *body) Read(p []byte) (int, error) {
	if now := time.Now(); b.within > 0 && b.until.Sub(now) < b.within*3/4 {
		b.until = now.Add(b.within)
		_ = b.rc.SetReadDeadline(b.until) // not every kind of connection has one
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF && b.within > 0:
		// Or it would end the connection while the upstream thinks.
		_ = b.rc.SetReadDeadline(time.Time{})
	case err != nil && err != io.EOF:
		b.v.bodyErr = err
	}
	return n, err
}

func newTLS(pool *x509.CertPool) *tls.Config {
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
