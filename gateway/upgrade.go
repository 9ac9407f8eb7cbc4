package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// checkUpgrade lets WebSockets through and nothing else: what the upstream would
// speak after another upgrade is decided by nobody here (RFC 9110 section 7.8). A
// WebSocket carries cookies from any site, so its Origin has to be one that the
// route trusts (RFC 6455 section 10.2).
func (r *route) checkUpgrade(v *visit) bool {
	h := v.r.Header
	if len(h["Http2-Settings"]) > 0 {
		h.Del("Http2-Settings")
	}
	if len(h["Upgrade"]) == 0 {
		return true
	}
	if !isUpgrade(v.r) {
		h.Del("Upgrade")
		return true
	}
	if origins := h["Origin"]; len(origins) > 1 || len(origins) == 1 && !slices.Contains(r.origins, strings.ToLower(origins[0])) {
		v.decision = denied
		return v.refuse(http.StatusForbidden, "the WebSocket is opened by another site")
	}
	return true
}

func isUpgrade(r *http.Request) bool {
	up := r.Header["Upgrade"]
	return len(up) == 1 && strings.EqualFold(up[0], "websocket") && r.Method == http.MethodGet && r.ProtoMajor == 1 && saysUpgrade(r.Header["Connection"])
}

func saysUpgrade(lines []string) bool {
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
				return true
			}
		}
	}
	return false
}

// forwardUpgrade passes a WebSocket on until it ends, its session does, or it
// has lived for as long as any may.
func (r *route) forwardUpgrade(v *visit) {
	ctx, cancel := context.WithTimeout(v.r.Context(), v.g.limits.Upgraded)
	defer cancel()
	v.r = v.r.WithContext(ctx)
	defer v.g.held.add(v, cancel)()
	r.proxy.ServeHTTP(&v.answer, v.request())
}
