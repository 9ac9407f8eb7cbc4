// Package serving runs HTTP servers as a process that lives for long: it
// listens, reloads, drains, hands over to its successor, and says how it is.
//
// [Run] does all of it for a [Program]. Only what a program serves is its own
// matter: this package knows nothing of it.
//
//	signal            what happens
//	SIGTERM, SIGINT   drain, close, end; a second one ends at once
//	SIGHUP            certificates and configuration are read again
//	SIGUSR2           a new process of the same binary takes over
package serving

import (
	"cmp"
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"time"
)

// Program is what [Run] runs.
type Program struct {
	// Prepare reads and checks the configuration. It must not touch what only
	// one process can hold, since a predecessor may still hold it. Its context,
	// as that of all functions here but Close, ends when the process begins to end.
	Prepare func(ctx context.Context) (*Plan, error)
	Log     *slog.Logger // default slog.Default()
}

// Plan is a configuration that was found valid.
type Plan struct {
	Endpoints []Endpoint
	// Health answers /livez and /readyz, and leaves all else to
	// Service.Health. The zero Endpoint is none.
	Health Endpoint
	// Exclusive names what only one process can hold, such as the path of a
	// database's file. A successor that names the same gets it before it opens
	// it; connections wait meanwhile. Empty: both processes can serve at once.
	// Service.Reload may change it.
	Exclusive string
	// Linger is how long, at the end, kept connections are waited for, each of
	// which is told with its next answer that it is the last one. Default 1 s.
	Linger time.Duration
	// Drain is how long requests under way may take after that. Default 30 s.
	// Where a successor waits for something exclusive it is 10 s at most.
	Drain time.Duration
	// Files are read every second, and Service.Reload is called when what is in
	// them has changed. Called from one goroutine; nil: none.
	Files func() []string
	// Open takes what the service needs. It may be called again when a
	// successor fails to take over, always after the Close of the one before.
	Open func(ctx context.Context) (*Service, error)
}

// Endpoint is an address with how connections to it are handled.
type Endpoint struct {
	Name string // for logs, and the key in Service.Handlers
	// Network is "tcp", "unix" or "systemd"; Address is host:port, a path, or
	// the name that the service manager gave a socket that it passes.
	Network, Address string
	// Mode of a unix socket that we make; default 0660.
	Mode fs.FileMode
	// TLS is nil for plain connections.
	TLS *Certificates
	// H2C takes HTTP/2 without TLS too, from clients that know it beforehand.
	H2C bool

	Header     int           // bytes of request line and header; default 32 KiB
	HeaderTime time.Duration // until the header has arrived; default 10 s
	Idle       time.Duration // of a kept connection; default 2 min
}

// Service is a program that has been opened.
type Service struct {
	// Handlers has one for each of Plan.Endpoints, by name.
	Handlers map[string]http.Handler
	// Health serves what else is asked of Plan.Health, such as /metrics. Nil: 404.
	Health http.Handler
	// Ready tells why requests cannot be served now; nothing: they can. It gets
	// 2 s, and its answer is good for 1 s. Nil: always ready.
	Ready func(ctx context.Context) []string
	// Reload reads the configuration again, and keeps the old one when it
	// returns an error, which is logged. Nil: there is nothing to reload.
	Reload func(ctx context.Context) error
	// Drain is called once no connection is accepted any more. It should make
	// what lasts end: streams and hijacked connections are waited for as long as
	// their handlers run, and Plan.Drain allows. Nil: nothing lasts.
	Drain func()
	// Close gives up what Open took. Nil: nothing.
	Close func(ctx context.Context) error
}

const (
	releaseDrain = 10 * time.Second // at most, while a successor waits
	closing      = 10 * time.Second // for Service.Close
)

func (p *Plan) linger() time.Duration { return cmp.Or(p.Linger, time.Second) }
func (p *Plan) drain() time.Duration  { return cmp.Or(p.Drain, 30*time.Second) }
