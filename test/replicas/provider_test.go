package replicas_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
)

// idp is the development provider, which revokes a grant when an old refresh
// token is used again, behind a gate that token requests can be held at.
type idp struct {
	*devidp.Server
	people  []devidp.Person
	channel atomic.Pointer[replica] // where logout tokens go

	mu       sync.Mutex
	lifetime int                 // that token answers claim, in seconds
	hold     chan struct{}       // closed: the gate is open
	waiting  int                 // token requests at the gate
	gone     int                 // that were given up there, and never reached the provider
	newest   string              // access token
	issued   []string            // refresh tokens
	used     map[string]int      // those that came back
	refused  []string            // its error answers to them
	spoken   map[string]struct{} // everything secret that went over the wire
}

// A token that claims to live for less than the vault's margin has to be
// refreshed before it is used.
const (
	dueAtOnce = 5
	notDue    = 3600
)

func people(n int) []devidp.Person {
	var all []devidp.Person
	for i := range n {
		all = append(all, devidp.Person{Subject: subject(i), Name: fmt.Sprintf("Person %d", i), Email: fmt.Sprintf("person-%d@example.com", i), EmailVerified: true})
	}
	return all
}

func subject(i int) string { return fmt.Sprintf("person-%d", i) }

const baseURL = "http://localhost:8000" // nobody listens there: browsers are told where to connect

func newIDP(t testing.TB, who []devidp.Person) *idp {
	t.Helper()
	p := &idp{people: who, lifetime: notDue, hold: make(chan struct{}), used: map[string]int{}, spoken: map[string]struct{}{}}
	close(p.hold)
	server := httptest.NewUnstartedServer(p)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connection{}, c)
	}
	var err error
	p.Server, err = devidp.New(devidp.Options{
		Issuer: "http://" + server.Listener.Addr().String(), SigningAlgorithm: "ES256", People: who, Transport: backChannel{p},
		LogoutChannels: map[string]devidp.LogoutChannel{"app": {BackChannel: baseURL + logoutPath}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(p.open)
	return p
}

type connection struct{}

// backChannel delivers logout tokens to the replica of the moment.
type backChannel struct{ p *idp }

func (b backChannel) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, _ := url.ParseQuery(string(body))
	b.p.hear(form.Get("logout_token"))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return b.p.channel.Load().wire.RoundTrip(r)
}

const logoutPath = "/auth/dev/backchannel-logout"

func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/token" {
		p.Server.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	p.hear(form.Get("code"), form.Get("code_verifier"), form.Get("refresh_token"))
	refreshing := form.Get("grant_type") == "refresh_token"
	if !p.enter(r, form.Get("refresh_token")) {
		panic(http.ErrAbortHandler) // nobody is there to answer
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	p.Server.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK && refreshing {
		p.mu.Lock()
		p.refused = append(p.refused, answer.Body.String())
		p.mu.Unlock()
	}
	w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(p.rewrite(answer.Body.Bytes()))
}

// aboutToGiveUp is well before the eight seconds after which the app asks again:
// an answer could come too late for it, and be the only copy of a new token.
const aboutToGiveUp = 5 * time.Second

// enter waits at the gate. Who has hung up by the time it opens has not been
// there, as with a provider that looks before it rotates.
func (p *idp) enter(r *http.Request, token string) bool {
	came := time.Now()
	p.mu.Lock()
	open := p.hold
	p.waiting++
	p.mu.Unlock()
	select {
	case <-open:
	case <-r.Context().Done():
	}
	if time.Since(came) > aboutToGiveUp {
		<-r.Context().Done()
	}
	left := r.Context().Err() != nil || hungUp(r.Context().Value(connection{}).(net.Conn))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting--
	if left {
		p.gone++
		return false
	}
	if token != "" {
		p.used[token]++
	}
	return true
}

// hungUp asks the system, which knows before the server has noticed.
func hungUp(c net.Conn) bool {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	n, peekErr := 0, error(nil)
	err = raw.Control(func(fd uintptr) {
		n, _, peekErr = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err != nil || peekErr == nil && n == 0 || peekErr != nil && peekErr != syscall.EAGAIN
}

// close holds token requests until open.
func (p *idp) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = make(chan struct{})
}

func (p *idp) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.hold:
	default:
		close(p.hold)
	}
}

func (p *idp) claim(seconds int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lifetime = seconds
}

// atGate returns how many token requests wait, and how many were given up.
func (p *idp) atGate() (waiting, gone int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting, p.gone
}

// rotations returns how many refresh tokens have been used.
func (p *idp) rotations() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.used)
}

// wantUsedOnce: a second use of one would have ended the grant.
func (p *idp) wantUsedOnce(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.used {
		if n != 1 {
			t.Errorf("a refresh token reached the provider %d times", n)
		}
	}
	for _, answer := range p.refused {
		t.Errorf("the provider refused to refresh: %s", answer)
	}
}

// wantAlive: the provider takes the newest refresh token of every grant.
func (p *idp) wantAlive(t testing.TB) {
	t.Helper()
	for _, token := range p.issued {
		if p.used[token] > 0 {
			continue
		}
		r := httptest.NewRequest(http.MethodPost, p.Issuer()+"/token", strings.NewReader(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("app", devidp.DevSecret)
		w := httptest.NewRecorder()
		if p.Server.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Errorf("a grant has died: %s", w.Body)
		}
	}
}

// opens reports whether the access token that was issued last opens the API.
func (p *idp) opens() bool {
	p.mu.Lock()
	token := p.newest
	p.mu.Unlock()
	r := httptest.NewRequest(http.MethodGet, p.Issuer()+"/api/accounts", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	p.Server.ServeHTTP(w, r)
	return w.Code == http.StatusOK
}

// rewrite lets an answer claim another lifetime, and remembers what is in it.
func (p *idp) rewrite(body []byte) []byte {
	var answer map[string]any
	if json.Unmarshal(body, &answer) != nil || answer["access_token"] == nil {
		return body
	}
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		if token, ok := answer[name].(string); ok {
			p.hear(token)
		}
	}
	p.mu.Lock()
	answer["expires_in"] = p.lifetime
	p.newest, _ = answer["access_token"].(string)
	if token, ok := answer["refresh_token"].(string); ok {
		p.issued = append(p.issued, token)
	}
	p.mu.Unlock()
	body, _ = json.Marshal(answer)
	return body
}

func (p *idp) hear(secrets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range secrets {
		if s != "" {
			p.spoken[s] = struct{}{}
		}
	}
}

// sids returns those of a person's sessions, from the ID tokens, in no order.
func (p *idp) sids(person string) (sids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for token := range p.spoken {
		var claims struct{ Sub, Sid string }
		if parts := strings.Split(token, "."); len(parts) == 3 && decode(parts[1], &claims) && claims.Sub == person && claims.Sid != "" {
			sids = append(sids, claims.Sid)
		}
	}
	return sids
}
