package gateway

import (
	"log/slog"
	"strings"
	"time"
)

// told ends a visit: it is counted, and logged in one line.
func (v *visit) told() {
	took := time.Since(v.began)
	if v.decision == "" {
		v.decision = refused
	}
	v.g.o.Metrics.count(v, took)
	if !v.g.log.Requests {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs, slog.String("decision", v.decision), slog.Int("status", v.answer.status), slog.String("method", short(v.r.Method)))
	if v.site != nil {
		attrs = append(attrs, slog.String("site", v.site.host))
	}
	// The canonical path, or nothing: never a query, which holds codes and worse.
	if v.path.Decoded != "" {
		attrs = append(attrs, slog.String("path", short(v.path.Decoded)))
	}
	if v.route != nil {
		attrs = append(attrs, slog.String("route", v.route.rule.Path))
	}
	if v.session != nil {
		attrs = append(attrs, slog.String("user", v.session.ID))
		if v.g.log.Emails {
			attrs = append(attrs, slog.String("email", v.session.Email))
		}
	}
	if v.reason != "" {
		attrs = append(attrs, slog.String("reason", short(v.reason)))
	}
	attrs = append(attrs, slog.String("client", v.client), slog.Int64("bytes", v.answer.bytes), slog.Int64("us", took.Microseconds()))
	v.g.o.Logger.LogAttrs(v.r.Context(), slog.LevelInfo, "request", attrs...)
}

// maxText is how much of a text that a client wrote is logged.
const maxText = 256

// short makes a text of somebody else's safe to log: slog escapes what would end
// a line, and this takes away what would turn the direction of the writing.
func short(s string) string {
	plain := len(s) <= maxText
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= 0x20 && s[i] < 0x7f
	}
	if plain {
		return s
	}
	s = strings.ToValidUTF8(s[:min(len(s), maxText)], "\uFFFD")
	return strings.Map(func(r rune) rune {
		if r < 0x20 || 0x7f <= r && r < 0xa0 || 0x200b <= r && r <= 0x200f || 0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 || r == 0xfeff {
			return '\uFFFD'
		}
		return r
	}, s)
}
