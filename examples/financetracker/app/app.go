// Package app is Finance Tracker, an example of a web app that signs people in
// with Google and reads their transactions from an API.
//
// This file is the whole of the sign-in: [New] configures it, dashboard uses
// it. The rest is what any web app has: an API to read (bank.go), numbers to
// show (money.go, spending.go), and pages (pages.templ).
package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
	"github.com/wayleave/wayleave/store"
)

// Options say where Finance Tracker runs and whom it asks. BaseURL and Provider
// are required. [StandIn] makes options for an app without Google.
type Options struct {
	// BaseURL is where browsers reach the app, such as "http://localhost:8000".
	BaseURL string

	// Provider is Google, or what stands in for it under the name "google".
	// The app's callback there is BaseURL + "/auth/google/callback".
	Provider provider.Config

	// StandIn: Provider is not Google but the development provider. The pages
	// say so, and show errors in full.
	StandIn bool

	// ResourceURL is the API with the accounts and transactions, such as
	// "http://127.0.0.1:9000/api". Empty: there is none, as with the real
	// Google, and the dashboard says why.
	ResourceURL string

	// TracePath is where the story of a login is told on this origin, such as
	// "/trace/". The caller serves it. Empty: no link.
	TracePath string

	// Keys and Store keep people signed in when the app restarts; see
	// [wayleave.Config]. Empty: a restart signs everybody out.
	Keys  [][]byte
	Store store.Store

	OnEvent func(context.Context, oauth.Event) // nil: nobody listens
	Logger  *slog.Logger                       // nil: no log
}

// App is Finance Tracker, an [http.Handler] for the root of its origin. It is
// safe for concurrent use.
type App struct {
	options Options
	auth    *wayleave.Auth
	mux     *http.ServeMux
	users   users
	watch   tokenWatch
}

// New makes the app. It connects to nothing yet. The error joins all mistakes
// in the options.
func New(o Options) (*App, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &App{options: o, mux: http.NewServeMux()}
	var err error
	a.auth, err = wayleave.New(wayleave.Config{
		BaseURL:   o.BaseURL,
		Providers: []provider.Config{o.Provider},
		OnSignIn:  a.welcome,
		Branding:  wayleave.Branding{AppName: "Finance Tracker", LogoPath: "/logo.svg", Accent: "#0f766e"},
		Keys:      o.Keys,
		Store:     o.Store,
		OnEvent:   o.OnEvent,
		Logger:    o.Logger,
	})
	if err != nil {
		return nil, err
	}
	a.mux.Handle("/auth/", a.auth)
	a.mux.Handle("GET /{$}", a.auth.WithUser(http.HandlerFunc(a.home)))
	a.mux.Handle("GET /dashboard", a.auth.RequireLogin(http.HandlerFunc(a.dashboard)))
	a.mux.HandleFunc("GET /logo.svg", serveLogo)
	a.mux.HandleFunc("/", a.notFound)
	return a, nil
}

// ServeHTTP serves the app.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// AdminHandler is for operators; see [wayleave.Auth.AdminHandler].
func (a *App) AdminHandler() http.Handler { return a.auth.AdminHandler() }

// Check asks the store whether it works; see [wayleave.Auth.Check].
func (a *App) Check(ctx context.Context) error { return a.auth.Check(ctx) }

// Close ends what New started. It does not close Options.Store.
func (a *App) Close() error { return a.auth.Close() }

// welcome runs when somebody has proved who they are, before they have a
// session: the place to create the user in one's own database. To turn somebody
// away, return [wayleave.Deny] with the reason.
func (a *App) welcome(_ context.Context, id *provider.Identity) error {
	a.users.signedIn(id, time.Now())
	return nil
}

// home is for everyone: with WithUser, somebody may be signed in.
func (a *App) home(w http.ResponseWriter, r *http.Request) {
	user, signedIn := wayleave.CurrentUser(r.Context())
	a.show(w, r, http.StatusOK, homePage(homeView{site: a.site(), SignedIn: signedIn, User: user}))
}

// dashboard is for the signed-in: with RequireLogin, there is always a user.
func (a *App) dashboard(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	user, _ := wayleave.CurrentUser(ctx)
	v := dashboardView{site: a.site(), User: user, Known: a.users.byID(user.ID), All: r.FormValue("show") == "all"}

	// The client carries this user's access token, and renews it when needed.
	if a.options.ResourceURL != "" {
		book, err := readBook(ctx, a.auth.Client(ctx), a.options.ResourceURL)
		if err != nil {
			a.options.Logger.WarnContext(ctx, "transactions not read", "user", user.ID, "error", err)
		}
		v.Money, v.Problem = moneyOf(book, time.Now()), a.problemOf(err)
	}

	// Only to show what was granted; afterwards, since reading may have renewed it.
	if tokens, err := a.auth.Tokens(ctx); err == nil {
		v.Access = a.accessOf(ctx, user, tokens, time.Now())
	} else if v.Problem == nil {
		v.Problem = a.problemOf(err)
	}
	a.show(w, r, http.StatusOK, dashboardPage(v))
}

func (a *App) notFound(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, http.StatusNotFound, notFoundPage(a.site()))
}
