// Finance Tracker is an example of a web app with "Sign in with Google".
//
// Run it, and open the address that it prints:
//
//	go run ./examples/financetracker
//
// Without Google's credentials a development provider stands in for Google. To
// use Google itself, register a web application there with the redirect URI
// http://localhost:8000/auth/google/callback, and set GOOGLE_CLIENT_ID and
// GOOGLE_CLIENT_SECRET.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wayleave/wayleave/examples/financetracker/app"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// tokenLifetime is so short that one can watch tokens being renewed.
const tokenLifetime = 20 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "financetracker:", err)
			os.Exit(1)
		}
	}
}

const usage = `Finance Tracker, an example of signing in with Google.

  financetracker                              with a stand-in for Google, on this machine
  GOOGLE_CLIENT_ID=… GOOGLE_CLIENT_SECRET=… financetracker
                                              with Google itself

`

func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("financetracker", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	listen := flags.String("listen", "localhost:8000", "`address` to listen on")
	public := flags.String("base-url", "", "public https `URL`, if a proxy in front of the app ends TLS")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *public == "" && !isLoopback(*listen) {
		return fmt.Errorf("listen address %s can be reached from other machines; use localhost:8000, or say with --base-url at which https address", *listen)
	}
	ln, baseURL, err := app.Listen(*listen)
	if err != nil {
		return err
	}
	defer ln.Close()
	if *public != "" {
		baseURL = *public
	}

	var options app.Options
	var sites []app.Site
	if env("GOOGLE_CLIENT_ID") != "" {
		options, err = withGoogle(baseURL, env)
	} else if *public != "" {
		err = errors.New("a public address needs Google itself: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or leave out --base-url")
	} else {
		var site app.Site
		options, site, err = withStandIn(baseURL)
		sites = append(sites, site)
	}
	if err != nil {
		return err
	}
	options.Logger = slog.New(slog.NewTextHandler(stderr, nil))
	tracker, err := app.New(options)
	if err != nil {
		return err
	}
	defer tracker.Close()
	fmt.Fprintln(stdout, "Finance Tracker:", baseURL)
	return app.Serve(ctx, append(sites, app.Site{Listener: ln, Handler: tracker})...)
}

func withGoogle(baseURL string, env func(string) string) (app.Options, error) {
	id, secret := env("GOOGLE_CLIENT_ID"), oauth.NewSecret(env("GOOGLE_CLIENT_SECRET"))
	if secret.IsZero() {
		return app.Options{}, errors.New("GOOGLE_CLIENT_ID is set but GOOGLE_CLIENT_SECRET is not; both are in the registration at Google")
	}
	google := provider.Config{Preset: provider.Google(), ClientID: id, ClientSecret: secret}
	return app.Options{BaseURL: baseURL, Provider: google}, nil
}

func withStandIn(baseURL string) (app.Options, app.Site, error) {
	ln, issuer, err := app.Listen("127.0.0.1:0")
	if err != nil {
		return app.Options{}, app.Site{}, err
	}
	idp, options, err := app.StandIn(baseURL, issuer, tokenLifetime)
	if err != nil {
		ln.Close()
		return app.Options{}, app.Site{}, err
	}
	return options, app.Site{Listener: ln, Handler: idp}, nil
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host == "localhost" {
		return true // an address that cannot be read is refused by Listen
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
