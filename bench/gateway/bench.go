//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// bench is one run.
type bench struct {
	rounds                   int
	turn                     time.Duration
	starts                   int
	wayleave, other, profile string // files; see the flags
	only                     *regexp.Regexp

	self, dir, repository           string
	backendAddress, providerAddress string
	stores                          []store

	seen             results
	others           []float64 // how many cores other programs had, for each job
	remarks, skipped []string

	mu       sync.Mutex
	children []*child // that still run
	shared   int      // so many of them live as long as the run
	stopped  bool     // nothing more is started
}

// store is where the gateway keeps sessions.
type store struct {
	name, url string
	server    *child // nil: in the gateway's process
}

func (b *bench) run() (err error) {
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.repository, err = filepath.Abs(".."); err != nil {
		return err
	}
	for _, path := range []*string{&b.wayleave, &b.other, &b.profile} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if b.dir, err = os.MkdirTemp("", "wayleave-bench"); err != nil {
		return err
	}
	if err = os.Chmod(b.dir, 0o711); err != nil { // PostgreSQL is another user
		return err
	}
	b.seen = results{}
	progress("build")
	if err := b.build(); err != nil {
		return err
	}
	if err := b.startShared(); err != nil {
		return err
	}
	if err := b.all(); err != nil {
		return err
	}
	b.print(os.Stdout)
	return nil
}

func (b *bench) all() error {
	for round := range b.rounds {
		progress(fmt.Sprintf("round %d of %d", round+1, b.rounds))
		if err := b.round(); err != nil {
			return err
		}
	}
	if !b.only.MatchString("memory") {
		return nil
	}
	progress("memory")
	return b.memory()
}

func progress(text string) {
	load, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(load), " ")
	fmt.Fprintf(os.Stderr, "%s %s, load %s\n", time.Now().Format(time.TimeOnly), text, first)
}

// startShared starts what all rounds use.
func (b *bench) startShared() (err error) {
	defer func() { b.shared = len(b.children) }()
	if b.backendAddress, _, err = b.startSelf(loadCore, "backend"); err != nil {
		return err
	}
	if b.providerAddress, _, err = b.startSelf(loadCore, "provider"); err != nil {
		return err
	}
	b.stores = []store{{name: "embedded"}}
	if b.other != "" {
		b.stores = append(b.stores, store{name: "other"})
	}
	for _, start := range []func() (store, error){b.redis, b.postgres} {
		s, err := start()
		if b.skip(err) {
			continue
		}
		if err != nil {
			return err
		}
		b.stores = append(b.stores, s)
	}
	return nil
}

// skip notes what is missing on this machine.
func (b *bench) skip(err error) bool {
	m, ok := errors.AsType[missingError](err)
	if ok && !slices.Contains(b.skipped, m.Error()) {
		b.skipped = append(b.skipped, m.Error())
	}
	return ok
}

// startSelf starts this program in a role that listens.
func (b *bench) startSelf(core, role string, args ...string) (address string, c *child, err error) {
	if address, err = free(); err != nil {
		return "", nil, err
	}
	c, err = b.start(nil, core, role, address, append([]string{b.self, role, address}, args...)...)
	return address, c, err
}

// endRound ends what a round has started, the last first.
func (b *bench) endRound() { b.end(b.shared) }

// end ends all children but the first ones.
func (b *bench) end(but int) {
	b.mu.Lock()
	but = min(but, len(b.children)) // fewer after an interruption
	last := slices.Clone(b.children[but:])
	b.children = b.children[:but]
	b.mu.Unlock()
	slices.Reverse(last)
	for _, c := range last {
		_ = c.End(syscall.SIGTERM) // or it is killed
	}
}

// stop makes a run that is under way fail.
func (b *bench) stop() {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	b.end(0)
}

func (b *bench) close() {
	b.end(0)
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}
