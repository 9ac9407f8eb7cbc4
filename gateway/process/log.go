package process

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/wayleave/wayleave/gateway/config"
)

// lines collects log lines and writes them a moment later, many at once: a
// write for each request costs more than the rest of the line.
type lines struct {
	mu      sync.Mutex
	to      io.Writer
	w       *bufio.Writer
	waiting bool
	closed  bool
}

// linger is how long a line waits for others.
const linger = 100 * time.Millisecond

func newLines(w io.Writer) *lines { return &lines{to: w, w: bufio.NewWriterSize(w, 64<<10)} }

// Write implements io.Writer, with whole lines.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.w.Write(b)
	switch {
	case err != nil:
		l.w.Reset(l.to)
	case l.closed:
		l.out()
	case !l.waiting:
		l.waiting = true
		time.AfterFunc(linger, l.flush)
	}
	return n, err
}

// out writes what waits. What cannot be written is lost, for there is nowhere else
// to say it; a bufio.Writer would keep the error and lose all that comes later too.
func (l *lines) out() {
	if l.w.Flush() != nil {
		l.w.Reset(l.to)
	}
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = false
	l.out()
}

// Close writes what is left. Lines that come later are written at once.
func (l *lines) Close() {
	l.flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// use makes the log what the file says.
func (p *process) use(c config.Log) {
	o := &slog.HandlerOptions{}
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) == nil {
		o.Level = level
	}
	var h slog.Handler = slog.NewJSONHandler(p.out, o)
	if c.Format == "text" {
		h = slog.NewTextHandler(p.out, o)
	}
	p.logTo.Store(&h)
}

// switched is a handler whose target a reload can change.
type switched struct{ p *process }

func (s *switched) to() slog.Handler { return *s.p.logTo.Load() }

// Enabled implements slog.Handler.
func (s *switched) Enabled(ctx context.Context, l slog.Level) bool { return s.to().Enabled(ctx, l) }

// Handle implements slog.Handler.
func (s *switched) Handle(ctx context.Context, r slog.Record) error { return s.to().Handle(ctx, r) }

// WithAttrs implements slog.Handler. What it returns keeps today's target.
func (s *switched) WithAttrs(attrs []slog.Attr) slog.Handler { return s.to().WithAttrs(attrs) }

// WithGroup implements slog.Handler. What it returns keeps today's target.
func (s *switched) WithGroup(name string) slog.Handler { return s.to().WithGroup(name) }
