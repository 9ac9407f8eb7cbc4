package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"os"
	"slices"
	"strings"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/internal/cookie"
)

// newProxy passes requests on with the standard library's proxy. Its Rewrite
// hook runs after the hop-by-hop headers were removed, so that a client cannot
// name ours in Connection to have them removed too (RFC 9110 section 7.6.1).
func (s *site) newProxy(r *route, up config.Upstream, t http.RoundTripper) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:        func(pr *httputil.ProxyRequest) { r.rewrite(pr, up) },
		Transport:      t,
		BufferPool:     buffers{},
		ModifyResponse: r.cleanAnswer,
		ErrorHandler:   r.failed,
		ErrorLog:       slog.NewLogLogger(s.g.o.Logger.Handler(), slog.LevelDebug),
	}
}

// forward passes an allowed request on.
func (r *route) forward(v *visit) {
	if r.proxy == nil {
		v.refuse(http.StatusNotFound, "nothing is served here; a proxy in front asks about this path")
		return
	}
	defer func() { v.body.end() }()
	if !r.checkOrigin(v) || !r.checkBody(v) || !r.checkUpgrade(v) {
		return
	}
	if err := r.promise(v); err != nil {
		r.cannotPromise(v, wayleave.Ask{}, err)
		return
	}
	if isUpgrade(v.r) {
		r.forwardUpgrade(v)
		return
	}
	r.proxy.ServeHTTP(&v.answer, v.request())
}

// checkOrigin refuses what another site's page makes a browser send, where the
// upstream hears of the person by a token: it has no reason to doubt a request
// that carries one, while the cookie behind it comes along from anywhere on the
// same site (OAuth 2.0 for Browser-Based Applications section 6.1.3.3). Elsewhere
// that is the app's own matter, as it was without us.
func (r *route) checkOrigin(v *visit) bool {
	if r.csrf == nil || v.session == nil {
		return true
	}
	if err := r.csrf.Check(v.r); err != nil {
		v.decision = denied
		return v.refuse(http.StatusForbidden, "the request was made by another site's page")
	}
	return true
}

// rewrite makes the request for the upstream.
func (r *route) rewrite(pr *httputil.ProxyRequest, up config.Upstream) {
	v, out := visitOf(pr.In.Context()), pr.Out
	out.URL.Scheme, out.URL.Host = up.URL.Scheme, up.URL.Host
	// The path that was decided about, and no other spelling of it. The query is
	// the upstream's to read: nothing was decided by it.
	out.URL.Path, out.URL.RawPath = v.path.Decoded, v.path.Escaped
	if prefix := strings.TrimSuffix(up.URL.Path, "/"); prefix != "" {
		out.URL.Path, out.URL.RawPath = prefix+v.path.Decoded, strings.TrimSuffix(up.URL.EscapedPath(), "/")+v.path.Escaped
	}
	out.URL.RawQuery, out.URL.ForceQuery = pr.In.URL.RawQuery, false
	out.Host = ""
	if up.PassHost {
		out.Host = r.site.host
	}
	h := out.Header
	r.site.g.guard.Clean(h)
	if !r.keepAuthorization {
		delete(h, "Authorization")
	}
	withoutOurCookies(h)
	// Trailers come after the headers were checked, and could set any of them.
	out.Trailer = nil
	delete(h, "Trailer")
	if len(h["Te"]) > 0 && !strings.HasPrefix(h.Get("Content-Type"), "application/grpc") { // gRPC wants it, and sends none
		delete(h, "Te")
	}
	forwarded := []string{v.client, r.site.host, r.site.base.Scheme}
	h["X-Forwarded-For"], h["X-Forwarded-Host"], h["X-Forwarded-Proto"] = forwarded[0:1:1], forwarded[1:2:2], forwarded[2:3:3]
	r.tell(v, h)
}

// withoutOurCookies: the upstream has no use for our cookies, and could lose them.
func withoutOurCookies(h http.Header) {
	lines := h["Cookie"]
	if len(lines) == 0 {
		return
	}
	kept := lines[:0:0]
	for _, line := range lines {
		if line = cookie.Without(line); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

// cleanAnswer looks at what the upstream answered, before the client sees it.
func (r *route) cleanAnswer(resp *http.Response) error {
	v, h := visitOf(resp.Request.Context()), resp.Header
	if resp.StatusCode == http.StatusSwitchingProtocols {
		v.answer.status = resp.StatusCode // the connection is taken away without a word to us
	}
	if lines := h["Set-Cookie"]; slices.ContainsFunc(lines, setsOurs) {
		h["Set-Cookie"] = slices.DeleteFunc(slices.Clone(lines), setsOurs)
	}
	for name := range h {
		if len(name) > 11 && strings.EqualFold(name[:11], "X-Wayleave-") {
			delete(h, name)
		}
	}
	// What one person was shown is not for the next one behind a shared cache,
	// unless the app itself says so.
	if v.session != nil && len(h["Cache-Control"]) == 0 && len(h["Expires"]) == 0 {
		h["Cache-Control"] = []string{"private"}
	}
	if strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") {
		resp.Body = r.site.g.held.body(v, resp.Body)
	}
	return nil
}

func setsOurs(line string) bool {
	line, _, _ = strings.Cut(line, ";")
	name, value, _ := strings.Cut(line, "=")
	if strings.TrimSpace(name) == "" {
		name, _, _ = strings.Cut(value, "=") // browsers send it back without the first sign
	}
	return cookie.Reserved(name)
}

// failed answers when the upstream did not.
func (r *route) failed(_ http.ResponseWriter, req *http.Request, err error) {
	v := visitOf(req.Context())
	v.answer.status = 0 // of an upgrade that the upstream agreed to, and not as it was asked for
	bodyErr := v.body.err()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(bodyErr, &tooLarge):
		v.hangUp()
		v.refuse(http.StatusRequestEntityTooLarge, "the body is too large")
	case errors.Is(bodyErr, os.ErrDeadlineExceeded):
		v.hangUp()
		v.refuse(http.StatusRequestTimeout, "the body did not arrive in time")
	case bodyErr != nil && req.Context().Err() == nil:
		v.refuse(http.StatusBadRequest, "malformed body")
	case isTimeout(err):
		v.reason = err.Error()
		r.site.auth.AppDown(&v.answer, v.r, http.StatusGatewayTimeout, err)
	default:
		v.reason = err.Error()
		r.site.auth.AppDown(&v.answer, v.r, http.StatusBadGateway, err)
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
