package gateway

import (
	"log/slog"
	"strings"
	"time"
)

// told ends a visit: it is counted, and logged in one line.
func (v *visit) told() {
	took := time.Since(v.began)
	v.g.o.Metrics.count(v, took)
	if !v.g.logging {
		return
	}
	l := linePool.Get().(*line)
	defer linePool.Put(l)
	l.begin(v.g.log.Format == "text", v.began.Add(took))
	l.text("decision", v.decision.String())
	l.number("status", int64(v.answer.status))
	l.text("method", short(v.r.Method))
	if v.site != nil {
		l.text("site", v.site.host)
	}
	// The canonical path, or nothing: never a query, which holds codes and worse.
	if v.path.Decoded != "" {
		l.text("path", short(v.path.Decoded))
	}
	if v.route != nil {
		l.text("route", v.route.rule.Path)
	}
	if v.session != nil {
		l.text("user", v.session.ID)
		if v.g.log.Emails {
			l.text("email", short(v.session.Email))
		}
	}
	if v.reason != "" {
		l.text("reason", short(v.reason))
	}
	l.text("client", v.client)
	l.number("bytes", v.answer.bytes)
	l.number("us", took.Microseconds())
	_, _ = v.g.o.RequestLog.Write(l.end()) // there is nowhere else to say that it failed
}

// logsRequests reports whether there is a line for each request.
func (g *Gateway) logsRequests() bool {
	var level slog.Level
	_ = level.UnmarshalText([]byte(g.log.Level)) // a level that is not one is that of the zero Level, info
	return g.log.Requests && g.o.RequestLog != nil && level <= slog.LevelInfo
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
