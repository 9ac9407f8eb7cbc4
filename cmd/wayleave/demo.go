package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/examples/financetracker/app"
	"github.com/wayleave/wayleave/trace"
)

var demoCommand = command{
	name:    "demo",
	summary: "runs Finance Tracker with a provider and the story of each login, to try in a browser",
	example: "wayleave demo --listen localhost:8001",
	flags: func(fs *flag.FlagSet, o *options) {
		fs.StringVar(&o.listen, "listen", "localhost:8000", "address of Finance Tracker")
		fs.StringVar(&o.provider, "provider", "127.0.0.1:0", "address of the provider; port 0 takes a free one")
		fs.StringVar(&o.store, "store", "memory:", "where sessions are kept: memory:, file:PATH, redis://… or postgres://…")
		fs.StringVar(&o.keys, "keys", "", "file of sealing keys, made by wayleave keys new; needed with another store than memory:")
		fs.StringVar(&o.admin, "admin", "", "admin socket for wayleave sessions, such as unix:demo.sock")
		fs.StringVar(&o.lifetime, "token-lifetime", "20s", "how long access tokens live: short, so that one can watch the refresh")
	},
	run: runDemo,
}

func runDemo(ctx context.Context, c *invocation) int {
	lifetime, err := time.ParseDuration(c.lifetime)
	if err != nil || lifetime < time.Second {
		return c.fail(fmt.Errorf("--token-lifetime %s: give a duration of a second or more, such as 20s", c.lifetime))
	}
	for _, addr := range []string{c.listen, c.provider} {
		if err := devidp.ListenAddressAllowed(addr, false); err != nil {
			return c.fail(err)
		}
	}
	ln, baseURL, err := app.Listen(c.listen)
	if err != nil {
		return c.fail(err)
	}
	defer ln.Close()
	providerLn, issuer, err := app.Listen(c.provider)
	if err != nil {
		return c.fail(err)
	}
	defer providerLn.Close()
	idp, options, err := app.StandIn(baseURL, issuer, lifetime)
	if err != nil {
		return c.fail(err)
	}
	if options.Store, options.Keys, err = openStore(ctx, c.store, c.keys); err != nil {
		return c.fail(err)
	}
	defer options.Store.Close()
	story := trace.NewRecorder(0)
	options.OnEvent, options.TracePath = story.Record, "/trace/"
	tracker, err := app.New(options)
	if err != nil {
		return c.fail(err)
	}
	defer tracker.Close()
	if err := tracker.Check(ctx); err != nil {
		return c.fail(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/trace/", story.Handler("/trace"))
	mux.Handle("/", tracker)
	fmt.Fprintf(c.stdout, "Finance Tracker is at %s\nSign in there; %s ends it.\n", baseURL, cmp.Or(interruptKey(), "an interrupt"))
	sites := []app.Site{{Listener: ln, Handler: onlyHost(baseURL, mux)}, {Listener: providerLn, Handler: idp}}
	if c.admin != "" {
		adminLn, err := listenAdmin(c.admin)
		if err != nil {
			return c.fail(err)
		}
		defer adminLn.Close()
		sites = append(sites, app.Site{Listener: adminLn, Handler: tracker.AdminHandler()})
	}
	if err := app.Serve(ctx, sites...); err != nil {
		return c.fail(err)
	}
	return 0
}

// interruptKey is how a person ends the demo at a terminal.
func interruptKey() string {
	if st, err := os.Stdin.Stat(); err == nil && st.Mode()&os.ModeCharDevice != 0 {
		return "Ctrl-C"
	}
	return ""
}

// onlyHost answers requests for the demo's own name alone, so that no web page
// can reach it through a name of its own that leads to this machine.
func onlyHost(baseURL string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if "http://"+r.Host != baseURL {
			http.Error(w, "this is "+baseURL, http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}
