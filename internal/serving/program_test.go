//go:build unix

package serving_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/serving"
)

// settings is the configuration file of the program that the tests run.
type settings struct {
	Network, Address string
	Health           string // address
	Journal          string // a file that one process can hold
	Invalid          bool   // this configuration is refused
	CannotOpen       bool   // this one is found wrong when it is too late
	Cert, Key        string
	Linger, Drain    time.Duration
	Gate             string // /slow answers once this file is there
	Word             string // what /word says
}

// envSettings makes a program of the test binary.
const envSettings = "SERVING_TEST_SETTINGS"

func TestMain(m *testing.M) {
	if path := os.Getenv(envSettings); path != "" {
		os.Exit(program(path))
	}
	os.Exit(m.Run())
}

func program(path string) int {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("pid", os.Getpid())
	err := serving.Run(context.Background(), serving.Program{Log: log, Prepare: func(context.Context) (*serving.Plan, error) {
		return plan(path, log)
	}})
	if err != nil {
		log.Error("program", "error", err)
		return 1
	}
	return 0
}

func read(path string) (s settings, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, err
	}
	if s.Invalid {
		return s, errors.New("listen: this is no address")
	}
	return s, nil
}

func plan(path string, log *slog.Logger) (*serving.Plan, error) {
	s, err := read(path)
	if err != nil {
		return nil, err
	}
	app := &app{settings: s, log: log, path: path}
	p := &serving.Plan{
		Endpoints: []serving.Endpoint{{Name: "app", Network: s.Network, Address: s.Address, H2C: true}},
		Exclusive: s.Journal, Linger: s.Linger, Drain: s.Drain,
		Files: func() []string { return []string{path} },
		Open:  app.open,
	}
	if s.Health != "" {
		p.Health = serving.Endpoint{Name: "health", Network: "tcp", Address: s.Health}
	}
	if s.Cert != "" {
		p.Endpoints[0].TLS, err = serving.LoadCertificates(s.Cert, s.Key, nil)
	}
	return p, err
}

type app struct {
	settings
	path    string
	log     *slog.Logger
	journal *os.File
	drain   chan struct{}
	word    atomic.Value
}

func (a *app) open(context.Context) (*serving.Service, error) {
	if a.CannotOpen {
		return nil, errors.New("the journal is of another version")
	}
	if a.Journal != "" {
		var err error
		if a.journal, err = os.OpenFile(a.Journal, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600); err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(a.journal.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return nil, fmt.Errorf("the journal is in use: %w", err)
		}
	}
	a.word.Store(a.Word)
	drain := make(chan struct{})
	a.drain = drain
	mux := http.NewServeMux()
	mux.HandleFunc("/", a.write)
	mux.HandleFunc("/word", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, a.word.Load().(string)) })
	mux.HandleFunc("/slow", a.slow)
	mux.HandleFunc("/upgrade", a.upgrade)
	return &serving.Service{
		Handlers: map[string]http.Handler{"app": mux},
		Health:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "metrics") }),
		Reload:   a.reload,
		Drain:    func() { close(drain) },
		Close: func(context.Context) error {
			if a.journal == nil {
				return nil
			}
			return a.journal.Close()
		},
	}, nil
}

// write notes what was sent in the journal, so that the tests see that nothing
// is done twice or not at all, and says who answers.
func (a *app) write(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil && a.journal != nil && len(body) > 0 {
		_, err = a.journal.Write(append(body, '\n'))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	io.WriteString(w, strconv.Itoa(os.Getpid()))
}

func (a *app) slow(w http.ResponseWriter, r *http.Request) {
	a.log.Info("slow began")
	for r.Context().Err() == nil {
		if _, err := os.Stat(a.Gate); err == nil {
			io.WriteString(w, "at last")
			return
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
	a.log.Info("slow was cut off")
}

func (a *app) upgrade(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
	select {
	case <-a.drain:
		io.WriteString(conn, "bye")
	case <-r.Context().Done():
	}
}

func (a *app) reload(context.Context) error {
	s, err := read(a.path)
	if err == nil {
		a.word.Store(s.Word)
	}
	return err
}
