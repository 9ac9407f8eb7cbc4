package gateway

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/wayleave/wayleave/gateway/canonical"
)

// admit refuses requests that are for nobody here, or that two programs could
// read differently, before anything is decided about them.
func (v *visit) admit() bool {
	r, h := v.r, v.r.Header
	if len(r.TransferEncoding) > 0 {
		// A client that sent Content-Length too may mean another end of the body
		// than the one that was read; net/http does not tell, so nothing that
		// follows on this connection is believed (RFC 9112 section 6.1).
		v.hangUp()
	}
	v.site = v.g.siteOf(r.Host)
	switch {
	case v.site == nil:
		return v.refuse(http.StatusMisdirectedRequest, "no site has this host")
	case !canonical.Method(r.Method):
		return v.refuse(http.StatusMethodNotAllowed, "method not allowed")
	case strings.ContainsAny(r.RequestURI, "#\\"), r.ProtoMajor > 1 && !strings.HasPrefix(r.RequestURI, "/"):
		// In HTTP/2 the host stands elsewhere, and could be another one.
		return v.refuse(http.StatusBadRequest, "ambiguous request target")
	case v.site.base.Scheme == "https" && v.trusted && h.Get("X-Forwarded-Proto") == "http":
		return v.refuse(http.StatusBadRequest, "use https")
	}
	path := r.URL.EscapedPath()
	if strings.HasPrefix(r.RequestURI, "/") { // as it was sent
		path, _, _ = strings.Cut(r.RequestURI, "?")
	}
	var err error
	if v.path, err = canonical.Of(path); err != nil {
		return v.refuse(http.StatusBadRequest, err.Error())
	}
	return true
}

// refuse answers in one line of ours: it repeats nothing of the request. The same
// line is logged, unless there is a reason that is not for the client.
func (v *visit) refuse(status int, line string) bool {
	v.reason = cmp.Or(v.reason, line)
	h := v.answer.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if status == http.StatusBadRequest {
		v.hangUp()
	}
	if status == http.StatusMethodNotAllowed {
		h.Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	h.Set("Content-Length", strconv.Itoa(len(line)+1))
	v.answer.WriteHeader(status)
	_, _ = v.answer.Write([]byte(line + "\n")) // the client has gone, or reads it
	return false
}
