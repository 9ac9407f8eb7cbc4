package gateway

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// FuzzLine: whatever a client wrote, the line is one line, reads back as what it
// is, and is what slog would have written.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "plain", "a b", "a=b", `"`, "\\", "\n{\"level\":\"ERROR\"}", "\x1b[31m", "\u202e", "\u2028", "é", "\xff", "<script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		value := short(s)
		for _, asText := range []bool{false, true} {
			l := &line{}
			l.begin(asText, time.Now())
			l.text("path", value)
			l.number("status", 200)
			got := string(l.end())
			if strings.Count(got, "\n") != 1 {
				t.Fatalf("%q is %d lines", got, strings.Count(got, "\n"))
			}
			if asText {
				continue
			}
			var read map[string]any
			if err := json.Unmarshal([]byte(got), &read); err != nil {
				t.Fatalf("%v in %q", err, got)
			}
			if read["path"] != value || read["status"] != 200.0 || read["msg"] != "request" || len(read) != 5 {
				t.Errorf("%q reads as %v", got, read)
			}
		}
	})
}

func TestALineIsAsSlogWritesIt(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 123456000, time.UTC)
	for _, asText := range []bool{false, true} {
		for _, value := range []string{"", "plain", "a b", "a=b", `say "hi"`, "é", "back\\slash"} {
			if asText && !isPlain(value) && value != `say "hi"` {
				continue // quoted here, and left bare there
			}
			var b bytes.Buffer
			var h slog.Handler = slog.NewJSONHandler(&b, nil)
			if asText {
				h = slog.NewTextHandler(&b, nil)
			}
			r := slog.NewRecord(at, slog.LevelInfo, "request", 0)
			r.AddAttrs(slog.String("path", value), slog.Int("status", 200))
			if err := h.Handle(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			l := &line{}
			l.begin(asText, at)
			l.text("path", value)
			l.number("status", 200)
			got, want := string(l.end()), strings.Replace(b.String(), "05.123Z", "05.123456Z", 1) // text has milliseconds there
			if got != want {
				t.Errorf("%s, slog writes %s", got, want)
			}
		}
	}
}
