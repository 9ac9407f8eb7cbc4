// Package process is a gateway as a process: "wayleave serve". It ties the file, the
// store, the gateway and the listeners together, and swaps the gateway when the
// file changes.
package process

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/gateway"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/internal/serving"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/postgres"
	"github.com/wayleave/wayleave/store/redis"
)

// Kinds are the stores that a file can name.
func Kinds() []store.Kind {
	return []store.Kind{memory.Kind(), embedded.Kind(), redis.Kind(), postgres.Kind()}
}

// Serve serves what the file says until ctx ends or a signal says so.
func Serve(ctx context.Context, file string, stdout io.Writer) error {
	out := newLines(stdout)
	defer out.Close()
	p := &process{file: file, out: out, metrics: gateway.NewMetrics(), retired: map[*served]struct{}{}}
	p.log = slog.New(&switched{p})
	p.use(config.Log{})
	return serving.Run(ctx, serving.Program{Prepare: p.prepare, Log: p.log})
}

// process is what outlives a file.
type process struct {
	file    string
	out     *lines
	log     *slog.Logger
	logTo   atomic.Pointer[slog.Handler]
	metrics *gateway.Metrics
	// memoryKeys have sealed something in the memory store, which ends with this
	// process and not with a reload: those that the file has named, and one of the
	// process's own if there was a time when it named none.
	memoryKeys [][]byte
	now        current
	plan       *serving.Plan

	mu     sync.Mutex
	first  *config.Config // that the process began with
	cfg    *config.Config // that now serves
	tried  *config.Config // of the last reload
	retire sync.WaitGroup
	// retired still answer what they had begun before a reload.
	retired map[*served]struct{}
}

// warn says what the file is unsure of.
func (p *process) warn(c *config.Config) {
	for _, w := range c.Warnings {
		p.log.Warn(w.Error())
	}
}

// build makes a gateway over a store.
func (p *process) build(c *config.Config, s store.Store) (*gateway.Gateway, error) {
	keys, err := readKeys(c)
	if err != nil {
		return nil, err
	}
	if _, ok := s.(*memory.Store); ok {
		keys = p.keysOfMemory(keys)
	} else {
		s = p.metrics.Watch(s)
	}
	return gateway.New(c, gateway.Options{Store: s, Keys: keys, Logger: p.log, RequestLog: p.out, Metrics: p.metrics})
}

// keysOfMemory are the file's keys, then those of before.
func (p *process) keysOfMemory(keys [][]byte) [][]byte {
	for _, old := range p.memoryKeys {
		if !slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, old) }) {
			keys = append(keys, old)
		}
	}
	if len(keys) == 0 {
		keys = [][]byte{make([]byte, seal.KeySize)}
		rand.Read(keys[0])
	}
	p.memoryKeys = keys
	return keys
}

// readKeys puts the keys of all files into one ring.
func readKeys(c *config.Config) (ring [][]byte, err error) {
	for i, file := range c.Keys {
		keys, err := wayleave.ReadKeys(file)
		if err != nil {
			cure := ""
			if errors.Is(err, fs.ErrNotExist) {
				cure = `make a file with "wayleave keys new FILE"`
			}
			return nil, config.Mistakes{c.Mistake(fmt.Sprintf("keys[%d]", i), err.Error(), cure)}
		}
		ring = append(ring, keys...)
	}
	return ring, nil
}

// prepare checks everything that can be checked without what another process may
// still hold.
func (p *process) prepare(context.Context) (*serving.Plan, error) {
	c, err := config.Read(p.file, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	if err := Check(c); err != nil {
		return nil, err
	}
	p.use(c.Log)
	p.warn(c)
	p.first, p.cfg = c, c
	main := endpoint("main", c.Listen, c.Limits)
	main.H2C = true // from proxies that know it; TLS ends in front of us
	if c.TLS != (config.TLS{}) {
		if main.TLS, err = serving.LoadCertificates(c.TLS.Certificate, c.TLS.Key, p.certificateChanged); err != nil {
			return nil, config.Mistakes{c.Mistake("tls", err.Error(), "")}
		}
	}
	plan := &serving.Plan{Endpoints: []serving.Endpoint{main}, Drain: c.Limits.Drain, Files: p.files, Open: p.open}
	if c.Health != (config.Address{}) {
		plan.Health = endpoint("health", c.Health, c.Limits)
	}
	if c.Admin != (config.Address{}) {
		admin := endpoint("admin", c.Admin, c.Limits)
		admin.Mode = 0o600
		plan.Endpoints = append(plan.Endpoints, admin)
	}
	plan.Exclusive = exclusive(c)
	p.plan = plan
	return plan, nil
}

// exclusive is what only one process can hold: the file of the embedded store.
func exclusive(c *config.Config) string {
	if path, ok := strings.CutPrefix(c.Store.Reveal(), "file:"); ok {
		return path
	}
	return ""
}

func endpoint(name string, a config.Address, l config.Limits) serving.Endpoint {
	return serving.Endpoint{Name: name, Network: a.Network, Address: a.Address, Header: l.Header, HeaderTime: l.HeaderTime, Idle: l.Idle}
}

func (p *process) certificateChanged(err error) {
	if err != nil {
		p.log.Error("the certificate's files changed, and the old one stays", "error", err)
		return
	}
	p.log.Info("the certificate has changed")
}

// open takes the store, and begins to serve.
func (p *process) open(ctx context.Context) (*serving.Service, error) {
	c := p.cfg
	s, err := store.Open(ctx, c.Store.Reveal(), Kinds()...)
	if err != nil {
		return nil, cannotUse(c, err)
	}
	g, err := p.build(c, s)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	// A store that was sealed with other keys is found here, and not by people
	// who have to sign in again.
	if err := g.Check(ctx); err != nil {
		return nil, errors.Join(cannotUse(c, err), g.Close(), s.Close())
	}
	p.now.swap(&served{gateway: g, store: s, url: c.Store.Reveal()})
	service := &serving.Service{
		Handlers: map[string]http.Handler{"main": &p.now},
		Health:   p.health(),
		Ready:    p.ready,
		Reload:   p.reload,
		Drain:    p.endHeld,
		Close:    p.close,
	}
	if c.Admin != (config.Address{}) {
		service.Handlers["admin"] = http.HandlerFunc(p.now.serveAdmin)
	}
	return service, nil
}

func (p *process) health() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.metrics.Handler())
	return mux
}

func (p *process) ready(ctx context.Context) []string {
	now := p.now.use()
	defer now.leave()
	if err := now.gateway.Ready(ctx); err != nil {
		return []string{"the store does not answer: " + err.Error()}
	}
	return nil
}

// endHeld ends what lasts, also of gateways that served before a reload.
func (p *process) endHeld() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.gateway().EndHeld()
	for old := range p.retired {
		old.gateway.EndHeld()
	}
}

// close ends the gateway and then its store.
func (p *process) close(context.Context) error {
	p.retire.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now.at.Load()
	return errors.Join(now.gateway.Close(), now.store.Close())
}

// files are those whose change leads to a reload.
func (p *process) files() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	files := slices.Concat(p.cfg.Files, p.cfg.Keys)
	if p.tried != nil {
		files = slices.Concat(files, p.tried.Files, p.tried.Keys)
	}
	slices.Sort(files)
	return slices.Compact(files)
}
