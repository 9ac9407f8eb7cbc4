// Package oidcprovider runs npm's certified oidc-provider for tests: an
// authority on OpenID Connect that this project did not write.
//
// Most tests call [Start] with the clients they need, and then
// [Provider.SignIn] with an authorization URL in place of a person with a
// browser. The provider demands PKCE (S256), rotates refresh tokens, answers
// with iss (RFC 9207), and serves email and profile claims from userinfo only.
// It revokes tokens, ends sessions, and tells back channels of that; for a
// logout use a [Browser], which stays signed in.
//
// It needs `npm ci --ignore-scripts` in this folder. Without that a test skips
// with one clear line, or fails when WAYLEAVE_TEST_FULL=1.
package oidcprovider

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Config is what the provider is started with. Clients must not be empty.
type Config struct {
	// Clients that may ask. Their secrets reach the provider through its
	// standard input: never an argument, a file or the environment.
	Clients []Client `json:"clients"`

	// Claims, per login, replace or add to what the provider says about a
	// person. Without an entry a login is its own sub and name, with the
	// verified address LOGIN@people.example.
	Claims map[string]map[string]any `json:"claims,omitempty"`

	// AccessTokenSeconds is the lifetime of access tokens in seconds. Zero
	// means one hour.
	AccessTokenSeconds int `json:"accessTokenSeconds,omitempty"`

	// Port on 127.0.0.1. Zero means a free one. [FixedPort] gives one for a
	// provider that must come back under the same issuer.
	Port int `json:"port,omitempty"`

	// Issuer for a provider that is reached through something else, such as a
	// relay that a test can close. Empty means the provider's own address.
	Issuer string `json:"issuer,omitempty"`
}

// Client is one registered client, in the words of OpenID Connect Dynamic
// Client Registration 1.0, section 2.
type Client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret,omitempty"`

	// RedirectURIs are matched exactly. At least one is required.
	RedirectURIs []string `json:"redirect_uris"`

	// PostLogoutRedirectURIs may be named at the end-session endpoint.
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`

	// BackChannelLogoutURI receives a logout token when a session of the
	// provider ends in which the client signed in. With SessionRequired the
	// token, and ID tokens, have a sid.
	BackChannelLogoutURI string `json:"backchannel_logout_uri,omitempty"`
	SessionRequired      bool   `json:"backchannel_logout_session_required,omitempty"`

	// AuthMethod is client_secret_basic (also when empty), client_secret_post
	// or none. With none, leave Secret empty.
	AuthMethod string `json:"token_endpoint_auth_method,omitempty"`

	// IDTokenAlg is RS256 (also when empty) or ES256.
	IDTokenAlg string `json:"id_token_signed_response_alg,omitempty"`
}

// Provider is a running provider. It is safe for concurrent use.
type Provider struct {
	// Issuer is the identifier to discover from, such as
	// http://127.0.0.1:41234.
	Issuer string `json:"issuer"`

	stop func()
}

// Stop ends the provider before its test does; doing so twice is harmless.
// [Start] with the same Port brings back the issuer, but with new signing keys
// and without its memory: codes, tokens and sessions are gone.
func (p *Provider) Stop() { p.stop() }

// Asked returns the requests that the provider received, in order, each as
// method, path and authorization scheme, such as "POST /token Basic". Those of
// [Provider.SignIn] are among them.
func (p *Provider) Asked(t testing.TB) []string {
	t.Helper()
	response, err := http.Get(p.Issuer + "/asked")
	if err != nil {
		t.Fatalf("ask the provider what it was asked: %v", err)
	}
	defer response.Body.Close()
	var asked []string
	if err := json.NewDecoder(response.Body).Decode(&asked); err != nil {
		t.Fatalf("read what the provider was asked: %v", err)
	}
	return asked
}

// FixedPort returns a port that is free, and stays so while a provider is
// stopped: it lies below the ranges from which systems choose ports themselves.
func FixedPort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("no port between 20000 and 32000 is free")
	return 0
}

// startTimeout is generous because a cold disk reads 120 MB of runtime first.
const startTimeout = time.Minute

// Start runs a provider until the test ends.
func Start(t testing.TB, cfg Config) *Provider {
	t.Helper()
	dir, node, err := locate()
	if err != nil {
		unavailable(t, err)
	}
	input, err := json.Marshal(cfg)
	if err != nil {
		t.Fatalf("encode the provider's configuration: %v", err)
	}

	var notices bytes.Buffer
	cmd := exec.Command(node, "server.mjs")
	cmd.Dir = dir
	cmd.Stderr = &notices
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("open the provider's input: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("open the provider's output: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the provider: %v", err)
	}

	ready, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewReader(stdout)
		if line, err := lines.ReadString('\n'); err == nil {
			ready <- line
		}
		io.Copy(io.Discard, lines)
		cmd.Wait()
	}()
	stop := sync.OnceFunc(func() {
		stdin.Close() // the provider's signal to end
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-ended
			t.Errorf("the provider did not end when its input closed")
		}
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("the provider said:\n%s", notices.String())
		}
	})

	if _, err := stdin.Write(append(input, '\n')); err != nil {
		t.Fatalf("configure the provider: %v", err)
	}
	select {
	case line := <-ready:
		return parseReady(t, line, stop)
	case <-ended:
		t.Fatal("the provider ended before it was ready")
	case <-time.After(startTimeout):
		t.Fatalf("the provider was not ready within %v", startTimeout)
	}
	panic("unreachable: Fatal ends the test")
}

func parseReady(t testing.TB, line string, stop func()) *Provider {
	t.Helper()
	p := Provider{stop: stop}
	if err := json.Unmarshal([]byte(line), &p); err != nil || p.Issuer == "" {
		t.Fatalf("the provider's first line should be {\"issuer\": …}, but is %q", line)
	}
	return &p
}

// locate finds this folder from the folder of whichever test runs, and the
// Node runtime that npm installed in it.
func locate() (dir, node string, err error) {
	at, err := os.Getwd()
	if err != nil {
		return "", "", err
	}
	for {
		dir = filepath.Join(at, "test", "oidcprovider")
		if _, err := os.Stat(filepath.Join(dir, "server.mjs")); err == nil {
			break
		}
		parent := filepath.Dir(at)
		if parent == at {
			return "", "", errors.New("no folder above this one holds test/oidcprovider/server.mjs")
		}
		at = parent
	}
	runtimes, err := filepath.Glob(filepath.Join(dir, "node_modules", "node-*", "bin", "node"))
	if err != nil {
		return "", "", err
	}
	if len(runtimes) == 0 {
		return "", "", errors.New("run npm ci --ignore-scripts in test/oidcprovider first")
	}
	return dir, runtimes[0], nil
}

// unavailable ends the test: quietly where a machine has only Go, as a
// failure in the full run, which must not skip anything.
func unavailable(t testing.TB, reason error) {
	t.Helper()
	if os.Getenv("WAYLEAVE_TEST_FULL") == "1" {
		t.Fatalf("npm's oidc-provider is not available: %v", reason)
	}
	t.Skipf("npm's oidc-provider is not available: %v", reason)
}
