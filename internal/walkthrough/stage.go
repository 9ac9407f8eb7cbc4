package walkthrough

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/robot"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/trace"
)

// stage is the world of one walkthrough: provider, app and browser, each a
// party of its own that talks HTTP over loopback.
type stage struct {
	fault    *Fault
	idp      *devidp.Server
	auth     *wayleave.Auth
	app      net.Addr
	servers  []*http.Server
	recorder *trace.Recorder
	last     string // the last page that the browser saw, for error messages

	mu     sync.Mutex
	events []oauth.Event
}

func newStage(fault *Fault) (*stage, error) {
	st := &stage{fault: fault, recorder: trace.NewRecorder(10)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	st.idp, err = devidp.New(devidp.Options{
		Issuer: "http://" + ln.Addr().String(), Label: "Google (stand-in)", AccessTokenLifetime: lifetime,
		Clients: []devidp.Client{{ID: "finance-tracker", Name: "Finance Tracker", Secret: devidp.DevSecret, RedirectURIs: []string{appURL + "/auth/google/callback"}},
			{ID: "finance-tracker-2", Name: "Finance Tracker", Secret: devidp.DevSecret, RedirectURIs: []string{appURL + "/auth/other/callback"}}},
	})
	if err != nil {
		return nil, err
	}
	st.serve(ln, st.idp)
	if st.auth, err = wayleave.New(st.config()); err != nil {
		st.close()
		return nil, err
	}
	ln, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		st.close()
		return nil, err
	}
	st.app = ln.Addr()
	mux := http.NewServeMux()
	mux.Handle("/auth/", st.auth)
	mux.Handle("/transactions", st.auth.RequireLogin(http.HandlerFunc(st.transactions)))
	st.serve(ln, mux)
	if fault != nil && fault.isProviders() {
		return st, st.idp.SetFaults(fault.Name)
	}
	return st, nil
}

func (f *Fault) isProviders() bool { _, ok := providerFates[f.Name]; return ok }

func (st *stage) serve(ln net.Listener, h http.Handler) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	st.servers = append(st.servers, srv)
	go srv.Serve(ln)
}

func (st *stage) close() {
	for _, srv := range st.servers {
		srv.Close()
	}
	if st.auth != nil {
		st.auth.Close()
	}
}

func (st *stage) record(ctx context.Context, ev oauth.Event) {
	st.recorder.Record(ctx, ev)
	st.mu.Lock()
	defer st.mu.Unlock()
	st.events = append(st.events, ev)
}

// transactions is the app's page: it calls the API as the user.
func (st *stage) transactions(w http.ResponseWriter, r *http.Request) {
	user, _ := wayleave.CurrentUser(r.Context())
	out := pageData{User: &user, API: &APIAnswer{URL: st.idp.Issuer() + "/api/transactions"}}
	resp, err := st.auth.Client(r.Context()).Get(out.API.URL)
	if err == nil {
		defer resp.Body.Close()
		out.API.Status = resp.StatusCode
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if json.Valid(body) {
			out.API.Body = body
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(out)
}

type pageData struct {
	User *wayleave.User
	API  *APIAnswer
}

// person is a scripted browser with a person in front of it.
type person struct {
	st     *stage
	client *http.Client
	robot  *robot.Browser
}

// newPerson makes a browser without cookies. It takes localhost:8000 to be
// where the app listens.
func (st *stage) newPerson() *person {
	jar, _ := cookiejar.New(nil) // never fails without options
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == "localhost:8000" {
			addr = st.app.String()
		}
		return dialer.DialContext(ctx, network, addr)
	}}
	return &person{st: st, robot: robot.New(nil), client: &http.Client{Transport: transport, Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// open opens an address and returns where it leads, or the page.
func (p *person) open(ctx context.Context, address string) (location string, page []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", nil, err
	}
	return p.send(r)
}

func (p *person) send(r *http.Request) (location string, page []byte, err error) {
	r.Header.Set("Accept", "text/html")
	resp, err := p.client.Do(r)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	page, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	p.st.last = fmt.Sprintf("%s %s answered %d", r.Method, r.URL.Path, resp.StatusCode)
	if location = resp.Header.Get("Location"); strings.HasPrefix(location, "/") {
		location = appURL + location
	}
	return location, page, err
}

// begin opens the app's page and returns the address at the provider where
// that leads, "" if it does not.
func (p *person) begin(ctx context.Context) (string, error) {
	at := appURL + "/transactions"
	if len(p.st.config().Providers) > 1 {
		at = appURL + "/auth/" + providerName + "/login?return_to=%2Ftransactions"
	}
	for range 5 {
		location, _, err := p.open(ctx, at)
		if err != nil || location == "" {
			return "", err
		}
		if !strings.HasPrefix(location, appURL) {
			return location, nil
		}
		at = location
	}
	return "", nil
}

// signIn lets the person sign in and allow at the provider.
func (p *person) signIn(authorizationURL string) (callback *url.URL, err error) {
	raw, err := p.robot.SignIn(authorizationURL, "ada", true)
	if err != nil {
		return nil, err
	}
	return url.Parse(raw)
}
