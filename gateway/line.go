package gateway

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"
)

// line is one line of the request log, in the form that package log/slog gives
// its records: as JSON, or as text. It is written by hand because it is written
// for each request, and slog takes as long for it as all the rest of a decision.
type line struct {
	b       []byte
	asText  bool
	started bool
}

var linePool = sync.Pool{New: func() any { return &line{b: make([]byte, 0, 512)} }}

func (l *line) begin(asText bool, now time.Time) {
	l.b, l.asText, l.started = l.b[:0], asText, false
	if !asText {
		l.b = append(l.b, '{')
	}
	l.key("time")
	if !asText {
		l.b = append(l.b, '"')
	}
	l.b = now.UTC().AppendFormat(l.b, "2006-01-02T15:04:05.000000Z07:00")
	if !asText {
		l.b = append(l.b, '"')
	}
	l.text("level", "INFO")
	l.text("msg", "request")
}

// end returns the line, which is good until the next begin.
func (l *line) end() []byte {
	if !l.asText {
		l.b = append(l.b, '}')
	}
	l.b = append(l.b, '\n')
	return l.b
}

// key is one of ours: it needs no escapes.
func (l *line) key(name string) {
	switch {
	case l.asText && l.started:
		l.b = append(l.b, ' ')
	case l.started:
		l.b = append(l.b, ',')
	}
	l.started = true
	if l.asText {
		l.b = append(append(l.b, name...), '=')
		return
	}
	l.b = append(append(append(l.b, '"'), name...), '"', ':')
}

func (l *line) number(name string, v int64) {
	l.key(name)
	l.b = strconv.AppendInt(l.b, v, 10)
}

func (l *line) text(name, v string) {
	l.key(name)
	switch {
	case l.asText && v != "" && isPlain(v) && !strings.ContainsAny(v, " ="):
		l.b = append(l.b, v...)
	case l.asText:
		l.b = strconv.AppendQuote(l.b, v)
	case isPlain(v):
		l.b = append(append(append(l.b, '"'), v...), '"')
	default:
		quoted, _ := json.Marshal(v) // a text always can be
		l.b = append(l.b, quoted...)
	}
}

// isPlain reports a text that stands for itself between quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
