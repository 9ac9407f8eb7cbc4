// Command app is one replica of a small app with sign-in, for the tests of the
// folder above, which start several on one store. It ends, when it has answered
// what was asked, with SIGTERM, and when its standard input ends, so that it
// does not survive whoever started it.
//
//	/page   says who is signed in
//	/api    asks the provider's API in the user's name, and repeats its status
//	/slow   does so when ?file= exists, and has begun to answer before
//	/auth/  is Wayleave
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
	"github.com/wayleave/wayleave/store/postgres"
	"github.com/wayleave/wayleave/store/redis"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

var (
	listen  = flag.String("listen", "", "host:port, or unix:PATH")
	admin   = flag.String("admin", "", "unix:PATH for the admin handler")
	base    = flag.String("base-url", "", "where browsers reach all replicas")
	keys    = flag.String("keys", "", "key file")
	issuer  = flag.String("issuer", "", "issuer of a development provider, whose client is app")
	offline = flag.Bool("offline", false, "keep grants for users who are away")
)

func run(ctx context.Context) error {
	flag.Parse()
	file, err := keyfile.Read(*keys)
	if err != nil {
		return err
	}
	// From the environment: the URL carries a password.
	s, err := store.Open(ctx, os.Getenv("STORE"), embedded.Kind(), redis.Kind(), postgres.Kind())
	if err != nil {
		return err
	}
	defer s.Close()
	a := &app{}
	if a.auth, err = wayleave.New(wayleave.Config{
		BaseURL: *base, Keys: file.Keys(), Store: s, SessionsPerUser: -1,
		Providers: []provider.Config{{
			Name: "dev", Issuer: *issuer, ClientID: "app", ClientSecret: oauth.NewSecret(devidp.DevSecret), Development: true,
			MoreScopes: []string{"transactions.read", "offline_access"}, AuthParams: map[string]string{"prompt": "consent"}, Offline: *offline,
		}},
		// All of a test's browsers are on one machine.
		ClientAddress: func(r *http.Request) string { return r.Header.Get("X-Test-Address") },
		Logger:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}); err != nil {
		return err
	}
	if err := a.auth.Check(ctx); err != nil {
		return errors.Join(err, a.auth.Close())
	}
	return errors.Join(serve(ctx, a), a.auth.Close())
}

// serve returns when all requests are answered.
func serve(ctx context.Context, a *app) error {
	public, err := listenAt(*listen)
	if err != nil {
		return err
	}
	operators, err := listenAt(*admin)
	if err != nil {
		return err
	}
	forPeople, forOperators := &http.Server{Handler: a.routes()}, &http.Server{Handler: a.auth.AdminHandler()}
	failed := make(chan error, 2)
	go func() { failed <- forPeople.Serve(public) }()
	go func() { failed <- forOperators.Serve(operators) }()
	fmt.Println("ready")
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(forPeople.Shutdown(last), forOperators.Shutdown(last))
}

func listenAt(address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return net.Listen("unix", path)
	}
	return net.Listen("tcp", address)
}

type app struct{ auth *wayleave.Auth }

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/", a.auth)
	for path, page := range map[string]http.HandlerFunc{"/page": a.page, "/api": a.api, "/slow": a.slow} {
		mux.Handle("GET "+path, a.auth.RequireLogin(page))
	}
	return mux
}

func (a *app) page(w http.ResponseWriter, r *http.Request) {
	u, _ := wayleave.CurrentUser(r.Context())
	fmt.Fprint(w, u.Subject)
}

func (a *app) api(w http.ResponseWriter, r *http.Request) {
	status, err := a.ask(r.Context())
	switch {
	case errors.Is(err, wayleave.ErrLoginRequired):
		http.Error(w, err.Error(), http.StatusUnauthorized)
	case err != nil: // it passes
		w.Header().Set("Retry-After", "1")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		w.WriteHeader(status)
	}
}

func (a *app) slow(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "begun")
	http.NewResponseController(w).Flush()
	for {
		if _, err := os.Stat(r.FormValue("file")); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	status, err := a.ask(r.Context())
	fmt.Fprintln(w, status, err)
}

func (a *app) ask(ctx context.Context) (status int, err error) {
	resp, err := a.auth.Client(ctx).Get(*issuer + "/api/accounts")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
