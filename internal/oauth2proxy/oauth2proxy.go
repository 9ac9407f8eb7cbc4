// Package oauth2proxy reads the configuration of oauth2-proxy, in whatever
// form it is kept, and writes ours for it. What cannot be taken over never lets
// anybody in who was not let in before.
package oauth2proxy

import (
	"errors"
	"fmt"
	"slices"
)

// Version is the one whose options are known.
const Version = "7.15.3"

// Where secrets are to be put, by hand: none of them is ever printed.
const (
	secretFile = "/etc/wayleave/client-secret"
	storeFile  = "/etc/wayleave/store-url"
	keysFile   = "/etc/wayleave/keys"
)

// Result is our configuration for theirs. YAML and Notes hold no secret.
type Result struct {
	YAML  []byte
	Notes []Note // what a person has to know or do, by line
}

// Kind is what becomes of an option.
type Kind int

// The kinds. The zero Kind is Mapped.
const (
	Mapped       Kind = iota // ours means the same
	Changed                  // ours means something else, or needs a hand
	NotNeeded                // nothing to do
	NoEquivalent             // it is not taken over
	Unknown                  // theirs has no such option, or it cannot be read
)

func (k Kind) String() string {
	return [...]string{"mapped", "changed meaning", "not needed", "no equivalent", "not understood"}[k]
}

// Note is about one of their options.
type Note struct {
	Option string // as it is written there; empty: about all of it
	Line   int    // 0: not in the file, such as from the environment or by default
	Kind   Kind
	Text   string
}

func (n Note) String() string {
	s := n.Kind.String() + ": " + n.Text
	if n.Option != "" {
		s = n.Option + ": " + s
	}
	if n.Line > 0 {
		s = fmt.Sprintf("line %d: %s", n.Line, s)
	}
	return s
}

// Errors of [Convert].
var (
	// ErrAlpha: the content is the YAML file of their alpha configuration.
	ErrAlpha = errors.New("this is an alpha configuration of oauth2-proxy, which is not converted: give the file of its other options, and write providers and upstreams by hand")
	// ErrNothing: no option was found.
	ErrNothing = errors.New("no option of oauth2-proxy was found: give its config file (key = \"value\"), its command line, or lines OAUTH2_PROXY_…=value")
	// ErrTooLarge: more than 1 MiB.
	ErrTooLarge = errors.New("it is larger than 1 MiB, which no configuration of oauth2-proxy is")
)

const maxSize = 1 << 20

// Convert returns our configuration for theirs. content is their config file,
// their command line (also as a list in a systemd, compose or Kubernetes file),
// or lines of their environment; name is only for errors. env are further
// settings of the environment ("OAUTH2_PROXY_…=value"; others are ignored),
// which win over a config file. Convert reads no other file.
//
// The error wraps [ErrAlpha], [ErrNothing] or [ErrTooLarge]; everything else is
// told in notes.
func Convert(name string, content []byte, env []string) (*Result, error) {
	if len(content) > maxSize {
		return nil, fmt.Errorf("%s: %w", name, ErrTooLarge)
	}
	s, err := read(string(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, line := range env {
		s.environment(line, 0)
	}
	s.finish()
	if len(s.given) == 0 && !slices.ContainsFunc(s.notes, func(n Note) bool { return n.Option != "" }) {
		return nil, fmt.Errorf("%s: %w", name, ErrNothing)
	}
	c := &conversion{settings: s}
	doc := c.document()
	c.explain()
	slices.SortStableFunc(c.notes, func(a, b Note) int { return a.Line - b.Line })
	return &Result{YAML: doc.bytes(), Notes: c.notes}, nil
}
