// Package gateway_test runs "wayleave serve" as people do, with a file, and
// attacks it with bytes, browsers and the proxies that stand in front of it.
// What is short here is repeated longer with WAYLEAVE_GATEWAY=long.
package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/devidp/robot"
	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/internal/testservers"
)

var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "wl-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(folder)
	os.Exit(status)
}

// binary is the command, built as the tests are.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "wayleave")
	args := []string{"build", "-o", path}
	if raceDetector {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../../cmd/wayleave")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the command: %w: %s", err, out)
	}
	return path, nil
})

// long chooses between the two forms of a test.
func long[T any](short, long T) T {
	if os.Getenv("WAYLEAVE_GATEWAY") == "long" {
		return long
	}
	return short
}

// upstream is an app that tells back what it got.
type upstream struct {
	*httptest.Server
	mu  sync.Mutex
	got []received
	// handler answers instead; nil: {"path":…}.
	handler http.HandlerFunc
}

// received is a request as the upstream understood it.
type received struct {
	Method, Target, Host, Body string
	Header, Trailer            http.Header
}

// maxReceived is how many requests an upstream remembers.
const maxReceived = 10_000

func newUpstream(t testing.TB) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(u)
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	u.mu.Lock()
	if len(u.got) == maxReceived { // of a test that goes on for long, and asks for none of them
		u.got = slices.Clone(u.got[maxReceived/2:])
	}
	if err == nil {
		u.got = append(u.got, received{r.Method, r.RequestURI, r.Host, string(body), r.Header.Clone(), r.Trailer.Clone()})
	}
	h := u.handler
	u.mu.Unlock()
	if h != nil {
		h(w, r)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"path": r.URL.Path, "user": r.Header.Get("X-Wayleave-Subject")})
}

// taken returns what the upstream got since the last call.
func (u *upstream) taken() []received {
	u.mu.Lock()
	defer u.mu.Unlock()
	got := u.got
	u.got = nil
	return got
}

// gateway is a running "wayleave serve".
type gateway struct {
	t      testing.TB
	idp    *devidp.Server
	up     *upstream
	dir    string
	file   string
	listen string // address of the gateway itself
	health string
	base   string // as browsers see it
	cmd    *exec.Cmd
	ended  chan struct{} // closed when cmd has
	pid    int           // of the process that serves now: cmd's, or a successor's

	mu  sync.Mutex
	log bytes.Buffer
}

// setup is what a test changes about the file.
type setup struct {
	base   string // default: the listener's address
	store  string // default: memory:
	noKeys bool   // as one begins with the memory store
	routes string // default: defaultRoutes
	extra  string // more of the file
}

const defaultRoutes = `
  - {path: /public, methods: [GET, HEAD], upstream: UPSTREAM, allow: public}
  - {exact: /status, methods: [GET], upstream: UPSTREAM, allow: public}
  - {path: /api, api: true, upstream: UPSTREAM, allow: signed_in}
  - {path: /admin, upstream: UPSTREAM, allow: {groups: [admins]}}
  - {path: /assert, upstream: UPSTREAM, allow: signed_in, assertion: app-one}
  - {path: /token, upstream: UPSTREAM, allow: signed_in, access_token: true}
  - {path: /, upstream: UPSTREAM, allow: signed_in}
`

func newIDP(t testing.TB) *devidp.Server {
	return devidptest.New(t, func(o *devidp.Options) { o.SigningAlgorithm, o.InsecureAnyRedirect = "ES256", true })
}

// start starts a provider, an upstream and a gateway.
func start(t testing.TB, s setup) *gateway {
	t.Helper()
	g := &gateway{t: t, idp: newIDP(t), up: newUpstream(t), dir: t.TempDir()}
	g.listen, g.health = freeAddress(t), freeAddress(t)
	g.base = s.base
	if g.base == "" {
		g.base = "http://" + g.listen
	}
	g.file = filepath.Join(g.dir, "wayleave.yaml")
	keys := filepath.Join(g.dir, "keys")
	if _, err := keyfile.New(keys, time.Now()); err != nil {
		t.Fatal(err)
	}
	g.write(s)
	g.run()
	return g
}

// write writes the file anew.
func (g *gateway) write(s setup) {
	g.t.Helper()
	if s.store == "" {
		s.store = "memory:"
	}
	if s.routes == "" {
		s.routes = defaultRoutes
	}
	text := fmt.Sprintf("listen: %s\nhealth: %s\nbase_url: %s\nstore: %q\n%sproviders:\n  dev: {issuer: %q, client_id: app, client_secret: dev-secret, development: true, offline: true}\n%sroutes:%s",
		g.listen, g.health, g.base, s.store, map[bool]string{false: "keys: keys\n"}[s.noKeys], g.idp.Issuer(), s.extra, strings.ReplaceAll(s.routes, "UPSTREAM", g.up.URL))
	if err := os.WriteFile(g.file, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// run starts the process and waits until it is ready.
func (g *gateway) run() {
	g.t.Helper()
	path, err := binary()
	if err != nil {
		g.t.Fatal(err)
	}
	g.cmd = exec.Command(path, "serve", "--config", g.file)
	g.cmd.Stdout, g.cmd.Stderr = writer{g}, writer{g}
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.pid = g.cmd.Process.Pid
	g.ended = make(chan struct{})
	go func() {
		g.cmd.Wait() // how it ended, the log says
		close(g.ended)
	}()
	g.t.Cleanup(g.stop)
	g.ready()
}

func (g *gateway) ready() {
	g.t.Helper()
	eventually(g.t, "the gateway is ready", func() bool {
		select {
		case <-g.ended:
			g.t.Fatalf("the gateway ended\n%s", g.logged())
		default:
		}
		resp, err := http.Get("http://" + g.health + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// stop ends the process in good order.
func (g *gateway) stop() {
	if !gone(g.pid) {
		http.DefaultClient.CloseIdleConnections() // a process that ends waits a second for them
		syscall.Kill(g.pid, syscall.SIGTERM)
		for end := time.Now().Add(20 * time.Second); !gone(g.pid); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				syscall.Kill(g.pid, syscall.SIGKILL)
				g.t.Errorf("the gateway did not end\n%s", g.logged())
				break
			}
		}
	}
	<-g.ended // a successor's output has gone through this process's, too
	if defect := testservers.Defect(g.logged()); defect != "" {
		g.t.Errorf("the gateway has a defect:\n%s", defect)
	}
}

type writer struct{ g *gateway }

func (w writer) Write(b []byte) (int, error) {
	w.g.mu.Lock()
	defer w.g.mu.Unlock()
	return w.g.log.Write(b)
}

func (g *gateway) logged() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.String()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	port, err := testservers.FreePort(1500)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// eventually waits for a condition, by asking again.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond) // between two looks, not instead of one
	}
	t.Fatalf("not in 20 s: %s", what)
}

// browser keeps cookies and follows no redirect.
type browser struct {
	g      *gateway
	base   string
	client *http.Client
}

func (g *gateway) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{g, g.base, &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	*http.Response
	body string
}

func (b *browser) ask(method, target string, header ...string) answer {
	b.g.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.base + target
	}
	r, err := http.NewRequest(method, target, nil)
	if err != nil {
		b.g.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header[header[i]] = append(r.Header[header[i]], header[i+1])
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.g.t.Fatalf("%s %s: %v\n%s", method, target, err, b.g.logged())
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return answer{resp, string(text)}
}

func (b *browser) open(target string, header ...string) answer {
	b.g.t.Helper()
	return b.ask("GET", target, append([]string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, header...)...)
}

// signIn signs a person in, beginning at a page, and returns that page.
func (b *browser) signIn(person, at string) answer {
	b.g.t.Helper()
	got := b.open(at)
	for range 4 {
		location := got.Header.Get("Location")
		if strings.HasPrefix(location, b.g.idp.Issuer()) {
			callback, err := robot.New(&http.Client{}).SignIn(location, person, true)
			if err != nil {
				b.g.t.Fatal(err)
			}
			got = b.open(callback)
			return b.open(got.Header.Get("Location"))
		}
		if location == "" {
			b.g.t.Fatalf("%s: %d, want a redirect: %s\n%s", at, got.StatusCode, got.body, b.g.logged())
		}
		got = b.open(location)
	}
	b.g.t.Fatal("redirected in circles")
	return answer{}
}

// cookies is what the browser would send, as one header line.
func (b *browser) cookies() string {
	r, _ := http.NewRequest("GET", b.base+"/", nil)
	for _, c := range b.client.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return r.Header.Get("Cookie")
}

// send writes bytes to the gateway and returns the answers that come back until
// it closes the connection, or says nothing for a while.
func (g *gateway) send(raw string) []answer {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.listen)
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close()
	go io.WriteString(conn, raw)
	var all []answer
	r := bufio.NewReader(conn)
	for {
		conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return all
		}
		body, _ := io.ReadAll(resp.Body)
		all = append(all, answer{resp, string(body)})
	}
}
