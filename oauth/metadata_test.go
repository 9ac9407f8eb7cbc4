package oauth_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

// start takes step 1, which is what needs the metadata first.
func start(t testing.TB, c *oauth.Client) (string, error) {
	t.Helper()
	return c.Authorize(t.Context(), sealer(t, "http://localhost:8000", testKey()).Begin(c.Pending()), oauth.Hints{})
}

func client(t testing.TB, cfg oauth.Config) *oauth.Client {
	t.Helper()
	c, err := oauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

func TestDIS01_WhereTheDocumentLies(t *testing.T) {
	for name, tc := range map[string]struct {
		suffix string
		kind   oauth.Metadata
		path   string
	}{
		"openid at the root":             {"", oauth.MetadataOpenID, "/.well-known/openid-configuration"},
		"A324 openid, slash at the end":  {"/", oauth.MetadataOpenID, "/.well-known/openid-configuration"},
		"A325 openid below a path":       {"/realms/a", oauth.MetadataOpenID, "/realms/a/.well-known/openid-configuration"},
		"openid below a path with slash": {"/realms/a/", oauth.MetadataOpenID, "/realms/a/.well-known/openid-configuration"},
		"RFC 8414 at the root":           {"", oauth.MetadataOAuth, "/.well-known/oauth-authorization-server"},
		"RFC 8414 between host and path": {"/realms/a", oauth.MetadataOAuth, "/.well-known/oauth-authorization-server/realms/a"},
		"RFC 8414 with slash at the end": {"/realms/a/", oauth.MetadataOAuth, "/.well-known/oauth-authorization-server/realms/a"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.set("issuer", f.issuer()+tc.suffix)
			f.answer(tc.path, func(w http.ResponseWriter, r *http.Request) { f.document(f.metadata)(w, r) })
			cfg := f.config()
			cfg.Issuer, cfg.Metadata = f.issuer()+tc.suffix, tc.kind
			if _, err := start(t, client(t, cfg)); err != nil {
				t.Fatal(err)
			}
			if len(f.got(tc.path)) != 1 {
				t.Errorf("%s was not asked", tc.path)
			}
		})
	}
}

func TestDIS02_TheDocumentSpeaksForTheIssuer(t *testing.T) {
	for name, issuer := range map[string]func(string) any{
		"A030 another":          func(string) any { return "https://evil.example" },
		"A030 a slash more":     func(s string) any { return s + "/" },
		"A030 another case":     func(s string) any { return strings.ToUpper(s) },
		"DIS-05 missing":        func(string) any { return nil },
		"DIS-05 a number":       func(string) any { return 5 },
		"DIS-05 an empty value": func(string) any { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.set("issuer", issuer(f.issuer()))
			raw, err := start(t, client(t, f.config()))
			wantCheck(t, err, oauth.CheckDiscoveryIssuer, oauth.FaultProvider, "")
			if raw != "" {
				t.Error("a login starts all the same")
			}
		})
	}
}

func TestDIS05_NET09_NET10_DocumentsThatCannotBeUsed(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*fake)
		check  oauth.Check
		fault  oauth.Fault
		text   string
	}{
		"A035 HTML":     {func(f *fake) { f.answer("/.well-known/openid-configuration", send(200, "text/html", "<p>log in")) }, oauth.CheckDiscovery, oauth.FaultProvider, "the metadata document is not JSON (expected application/json, got text/html)"},
		"A035 an array": {func(f *fake) { f.answer("/.well-known/openid-configuration", send(200, "application/json", "[]")) }, oauth.CheckDiscovery, oauth.FaultProvider, "the metadata document is malformed"},
		"A035 a byte order mark": {func(f *fake) {
			f.answer("/.well-known/openid-configuration", send(200, "application/json", "\ufeff{}"))
		}, oauth.CheckDiscovery, oauth.FaultProvider, "malformed"},
		"404":      {func(f *fake) { f.answer("/.well-known/openid-configuration", send(404, "text/plain", "")) }, oauth.CheckDiscovery, oauth.FaultProvider, "(expected status 200, got status 404)"},
		"A234 500": {func(f *fake) { f.answer("/.well-known/openid-configuration", send(500, "text/plain", "")) }, oauth.CheckDiscovery, oauth.FaultUnavailable, "(expected status 200, got status 500)"},
		"A033 a redirect": {func(f *fake) {
			f.answer("/.well-known/openid-configuration", http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound).ServeHTTP)
		}, oauth.CheckDiscovery, oauth.FaultProvider, "redirects are not followed"},
		"DIS-05 no token endpoint":     {func(f *fake) { f.set("token_endpoint", nil) }, oauth.CheckDiscovery, oauth.FaultProvider, "lacks token_endpoint"},
		"DIS-05 no jwks_uri":           {func(f *fake) { f.set("jwks_uri", nil) }, oauth.CheckDiscovery, oauth.FaultProvider, "lacks jwks_uri"},
		"DIS-05 endpoint is a number":  {func(f *fake) { f.set("token_endpoint", 5) }, oauth.CheckDiscovery, oauth.FaultProvider, "member token_endpoint is malformed"},
		"DIS-05 no response type code": {func(f *fake) { f.set("response_types_supported", []string{"id_token"}) }, oauth.CheckDiscovery, oauth.FaultProvider, "response_types_supported is malformed: does not list code"},
		"NET-01 http token endpoint":   {func(f *fake) { f.set("token_endpoint", "http://id.example/token") }, oauth.CheckDiscovery, oauth.FaultProvider, "token_endpoint cannot be used"},
		"A031 file token endpoint":     {func(f *fake) { f.set("token_endpoint", "file:///etc/passwd") }, oauth.CheckDiscovery, oauth.FaultProvider, "token_endpoint cannot be used"},
		"A038 javascript":              {func(f *fake) { f.set("authorization_endpoint", "javascript:alert(1)") }, oauth.CheckDiscovery, oauth.FaultProvider, "authorization_endpoint cannot be used"},
		"A040 userinfo in the URL":     {func(f *fake) { f.set("token_endpoint", "https://a@b.example/") }, oauth.CheckDiscovery, oauth.FaultProvider, "token_endpoint cannot be used"},
		"A040 a fragment":              {func(f *fake) { f.set("token_endpoint", "https://b.example/#x") }, oauth.CheckDiscovery, oauth.FaultProvider, "token_endpoint cannot be used"},
		"DIS-05 a flag that is text":   {func(f *fake) { f.set("authorization_response_iss_parameter_supported", "true") }, oauth.CheckDiscovery, oauth.FaultProvider, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			tc.change(f)
			_, err := start(t, client(t, f.config()))
			wantCheck(t, err, tc.check, tc.fault, "")
			if !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v, want %q", err, tc.text)
			}
		})
	}
}

func TestDIS06_UnknownMembersAreIgnored(t *testing.T) {
	f := newFake(t)
	f.set("x_something", map[string]any{"a": []int{1}})
	f.set("signed_metadata", "e30.e30.e30")
	if _, err := start(t, client(t, f.config())); err != nil {
		t.Error(err)
	}
}

func TestDIS08_ConfiguredEndpointsWin(t *testing.T) {
	f := newFake(t)
	fl := f.begin(func(c *oauth.Config) { c.AuthorizationURL = f.issuer() + "/elsewhere" })
	if fl.url.Path != "/elsewhere" {
		t.Error(fl.url)
	}
}

func TestNET14_AnInnerAddressIsNotCalled(t *testing.T) {
	// 127.0.0.1 under a public name: the address that is dialled counts.
	cfg := good()
	cfg.Issuer = "https://127.0.0.1:1"
	_, err := start(t, client(t, cfg))
	if oauth.CheckOf(err) != oauth.CheckEndpoint && oauth.CheckOf(err) != oauth.CheckDiscovery {
		t.Fatalf("%v", err)
	}
	if !strings.Contains(err.Error(), "address") {
		t.Error(err)
	}
}

func TestOneAttemptIsSharedAndACancelledCallerDoesNotEndIt(t *testing.T) {
	f := newFake(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	f.answer("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(arrived) })
		<-release
		f.document(nil)(w, r)
	})
	c := client(t, f.config())
	s := sealer(t, "x", testKey())
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := c.Authorize(ctx, s.Begin(c.Pending()), oauth.Hints{})
		first <- err
	}()
	<-arrived
	cancel()
	if err := <-first; err == nil || oauth.FaultOf(err) != oauth.FaultCaller {
		t.Errorf("the cancelled caller got %v", err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := start(t, c); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := len(f.got("/.well-known/openid-configuration")); n != 1 {
		t.Errorf("%d attempts, want one", n)
	}
}

func TestA234_AProviderThatIsDownIsNotHammered(t *testing.T) {
	f := newFake(t)
	f.answer("/.well-known/openid-configuration", send(503, "text/plain", ""))
	c := client(t, f.config())
	for i := range 50 {
		_, err := start(t, c)
		var e *oauth.Error
		if oauth.FaultOf(err) != oauth.FaultUnavailable || !asError(err, &e) {
			t.Fatal(err)
		}
		if i > 0 && (e.RetryAfter <= 0 || e.RetryAfter > 15*time.Second) {
			t.Errorf("asked to come back after %v", e.RetryAfter)
		}
	}
	if n := len(f.got("/.well-known/openid-configuration")); n != 1 {
		t.Errorf("%d attempts within a moment, want one", n)
	}
}

func TestPlainOAuthNeedsNoMetadata(t *testing.T) {
	f := newFake(t)
	cfg := f.config()
	cfg.Issuer, cfg.Scopes = "", []string{"read"}
	cfg.AuthorizationURL, cfg.TokenURL = f.issuer()+"/a", f.issuer()+"/t"
	if _, err := start(t, client(t, cfg)); err != nil {
		t.Fatal(err)
	}
	if n := len(f.requests); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}
