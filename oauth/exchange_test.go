package oauth_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

func TestTOK01_TOK03_CLA03_TheTokenRequestIsExact(t *testing.T) {
	f := newFake(t)
	fl, _ := f.tokens(nil)
	got := f.got("/token")
	if len(got) != 1 {
		t.Fatalf("TOK-03: %d token requests, want exactly one", len(got))
	}
	r := got[0]
	want := url.Values{
		"grant_type": {"authorization_code"}, "code": {"c/o+de= 1"}, "redirect_uri": {"http://localhost:8000/auth/fake/callback"},
		"code_verifier": r.form["code_verifier"],
	}
	if r.form.Encode() != want.Encode() || len(r.form.Get("code_verifier")) != 43 {
		t.Errorf("form %q", r.form)
	}
	if r.method != "POST" || r.header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.header.Get("Accept") != "application/json" {
		t.Errorf("%s with %v", r.method, r.header)
	}
	if fl.url.Query().Get("redirect_uri") != r.form.Get("redirect_uri") {
		t.Error("AZR-03: redirect_uri differs between the two requests")
	}
}

func TestCLA02_BasicCredentialsAreFormEncoded(t *testing.T) {
	const id, secret = "app:1", "a%b+c d:é&=~*-_.!()'\""
	f := newFake(t)
	fl := f.begin(func(c *oauth.Config) { c.ClientID, c.ClientSecret = id, oauth.NewSecret(secret) })
	f.answer("/token", func(w http.ResponseWriter, r *http.Request) {
		sendJSON(map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": f.sign(fl.nonce(), map[string]any{"aud": id})})(w, r)
	})
	if _, err := fl.exchange(); err != nil {
		t.Fatal(err)
	}
	r := f.got("/token")[0]
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.header.Get("Authorization"), "Basic "))
	if err != nil {
		t.Fatal(err)
	}
	gotID, gotSecret, _ := strings.Cut(string(raw), ":")
	gotID, _ = url.QueryUnescape(gotID)
	gotSecret, _ = url.QueryUnescape(gotSecret)
	if gotID != id || gotSecret != secret {
		t.Errorf("got %q and %q", gotID, gotSecret)
	}
	if r.form.Has("client_secret") || r.form.Has("client_id") {
		t.Error("CLA-01: credentials in the body as well")
	}
}

func TestCLA04_TheMethodIsChosenAndNeverTried(t *testing.T) {
	for name, tc := range map[string]struct {
		offered   any
		set       oauth.ClientAuth
		noSecret  bool
		wantBasic bool
		wantBody  string // "secret", "id" or ""
		wantErr   string
	}{
		"silence means basic":             {offered: nil, wantBasic: true},
		"basic is preferred":              {offered: []string{"client_secret_post", "client_secret_basic"}, wantBasic: true},
		"post where only post is offered": {offered: []string{"client_secret_post"}, wantBody: "secret"},
		"configuration wins":              {offered: []string{"client_secret_basic"}, set: oauth.ClientSecretPost, wantBody: "secret"},
		"a public client sends its id":    {offered: []string{"client_secret_basic"}, noSecret: true, wantBody: "id"},
		"nothing in common": {offered: []string{"private_key_jwt"},
			wantErr: "discovery: the provider offers no way to authenticate with a client secret (expected client_secret_basic or client_secret_post, got private_key_jwt); set ClientAuth if the metadata is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.set("token_endpoint_auth_methods_supported", tc.offered)
			fl := f.begin(func(c *oauth.Config) {
				c.ClientAuth = tc.set
				if tc.noSecret {
					c.ClientSecret = oauth.Secret{}
				}
			})
			f.grant(fl.nonce(), nil)
			_, err := fl.exchange()
			if tc.wantErr != "" {
				wantCheck(t, err, oauth.CheckDiscovery, oauth.FaultProvider, tc.wantErr)
				if len(f.got("/token")) != 0 {
					t.Error("a token request was made all the same")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := f.got("/token")[0]
			basic, id, secret := r.header.Get("Authorization") != "", r.form.Has("client_id"), r.form.Has("client_secret")
			if basic != tc.wantBasic || secret != (tc.wantBody == "secret") || id != (tc.wantBody != "") {
				t.Errorf("basic %v, client_id %v, client_secret %v", basic, id, secret)
			}
		})
	}
}

func TestTOK04_TOK13_TOK14_A087_TokenAnswersThatAreRefused(t *testing.T) {
	long := strings.Repeat("x", 70<<10)
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		check  oauth.Check
		fault  oauth.Fault
		text   string
	}{
		"A070 HTML with 200": {send(200, "text/html", "<p>blocked</p>"), oauth.CheckTokenHTTP, oauth.FaultProvider,
			"token-http: the token endpoint did not answer with JSON (expected status 200 with application/json, got status 200 with text/html); look whether a proxy or firewall answers in its place"},
		"A070 JSON as text/html": {send(200, "text/html", `{"access_token":"a","token_type":"Bearer"}`), oauth.CheckTokenHTTP, oauth.FaultProvider, ""},
		"A070 no content type":   {send(200, "", `{"access_token":"a","token_type":"Bearer"}`), oauth.CheckTokenHTTP, oauth.FaultProvider, ""},
		"A071 invalid_grant": {send(400, "application/json", `{"error":"invalid_grant","error_description":"code expired"}`), oauth.CheckTokenAnswer, oauth.FaultProvider,
			`token-answer: the provider refused (expected tokens, got invalid_grant): the provider says invalid_grant: "code expired"; sign in again`},
		"A071 invalid_client": {send(401, "application/json", `{"error":"invalid_client"}`), oauth.CheckTokenAnswer, oauth.FaultProvider,
			"token-answer: the provider refused (expected tokens, got invalid_client): the provider says invalid_client; compare client id, client secret and the way of client authentication with the registration at the provider"},
		"A087 our secrets repeated": {send(400, "application/json", `{"error":"invalid_client","error_description":"s3cret and c/o+de= 1 and c%2Fo%2Bde%3D+1 are wrong"}`), oauth.CheckTokenAnswer, oauth.FaultProvider,
			`token-answer: the provider refused (expected tokens, got invalid_client): the provider says invalid_client: "(removed) and (removed) and (removed) are wrong"; compare client id, client secret and the way of client authentication with the registration at the provider`},
		"A071 400 without body":  {send(400, "application/json", ""), oauth.CheckTokenHTTP, oauth.FaultProvider, "token-http: the token endpoint refused without saying why (expected status 200 with application/json, got status 400 with application/json)"},
		"A071 418":               {send(418, "text/plain", "teapot"), oauth.CheckTokenHTTP, oauth.FaultProvider, ""},
		"A071 500":               {send(500, "text/plain", "oops"), oauth.CheckTokenHTTP, oauth.FaultUnavailable, ""},
		"A071 429 in JSON":       {send(429, "application/json", `{"error":"slow_down"}`), oauth.CheckTokenAnswer, oauth.FaultUnavailable, ""},
		"A084 error with 200":    {send(200, "application/json", `{"error":"bad_verification_code","access_token":"a","token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"A084 error as object":   {send(200, "application/json", `{"error":{"message":"x"},"access_token":"a","token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"A073 truncated":         {send(200, "application/json", `{"access_token":"a"`), oauth.CheckTokenHTTP, oauth.FaultProvider, ""},
		"A073 trailing garbage":  {send(200, "application/json", `{"access_token":"a","token_type":"Bearer"}x`), oauth.CheckTokenHTTP, oauth.FaultProvider, ""},
		"A073 array":             {send(200, "application/json", `[]`), oauth.CheckTokenHTTP, oauth.FaultProvider, ""},
		"A073 duplicate member":  {send(200, "application/json", `{"access_token":"a","access_token":"b","token_type":"Bearer"}`), oauth.CheckTokenHTTP, oauth.FaultProvider, ""},
		"A073 colliding member":  {send(200, "application/json", `{"access_token":"a","Access_Token":"b","token_type":"Bearer"}`), oauth.CheckTokenHTTP, oauth.FaultProvider, ""},
		"A074 no access token":   {send(200, "application/json", `{"token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, "token-answer: the token answer has no usable access token (expected an access token of visible ASCII characters, got nothing)"},
		"A074 empty":             {send(200, "application/json", `{"access_token":"","token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"A074 null":              {send(200, "application/json", `{"access_token":null,"token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"A074 number":            {send(200, "application/json", `{"access_token":5,"token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"A074 no token type":     {send(200, "application/json", `{"access_token":"a"}`), oauth.CheckTokenType, oauth.FaultProvider, "token-type: the token is of a type that cannot be used (expected Bearer, got nothing)"},
		"A075 mac":               {send(200, "application/json", `{"access_token":"a","token_type":"mac"}`), oauth.CheckTokenType, oauth.FaultProvider, "token-type: the token is of a type that cannot be used (expected Bearer, got mac)"},
		"A075 bearer with space": {send(200, "application/json", `{"access_token":"a","token_type":"bearer "}`), oauth.CheckTokenType, oauth.FaultProvider, ""},
		"A075 DPoP unasked":      {send(200, "application/json", `{"access_token":"a","token_type":"DPoP"}`), oauth.CheckTokenType, oauth.FaultProvider, ""},
		"A075 array":             {send(200, "application/json", `{"access_token":"a","token_type":["Bearer"]}`), oauth.CheckTokenType, oauth.FaultProvider, ""},
		"A076 line break":        {send(200, "application/json", `{"access_token":"a\r\nX-Admin: 1","token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"A076 space":             {send(200, "application/json", `{"access_token":"a b","token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"A076 not ASCII":         {send(200, "application/json", `{"access_token":"ä","token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"A076 too long":          {send(200, "application/json", `{"access_token":"`+long+`","token_type":"Bearer"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"A076 refresh token":     {send(200, "application/json", `{"access_token":"a","token_type":"Bearer","refresh_token":"a\nb"}`), oauth.CheckTokenAnswer, oauth.FaultProvider, ""},
		"TOK-10 no ID token": {send(200, "application/json", `{"access_token":"a","token_type":"Bearer"}`), oauth.CheckIDToken, oauth.FaultProvider,
			"id-token: the token answer has none although openid was asked for (expected an ID token, got nothing); leave openid out of the scopes if this provider does not speak OpenID Connect"},
		"A072 endless": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for range 3 << 10 {
				if _, err := w.Write([]byte(strings.Repeat("x", 1<<10))); err != nil {
					return
				}
			}
		}, oauth.CheckTokenHTTP, oauth.FaultProvider, ""},
		"NET-11 connection ends": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, oauth.CheckTokenHTTP, oauth.FaultUnavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			fl := f.begin()
			f.answer("/token", tc.answer)
			_, err := fl.exchange()
			wantCheck(t, err, tc.check, tc.fault, tc.text)
			if n := len(f.got("/token")); n != 1 {
				t.Errorf("%d token requests, want exactly one", n)
			}
			if n := len(f.got("/userinfo")); n != 0 {
				t.Errorf("TOK-12: %d userinfo requests after a refusal", n)
			}
		})
	}
}

func TestA039_NET05_ARedirectOfTheTokenEndpointIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			caught := 0
			thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { caught++ }))
			defer thief.Close()
			f := newFake(t)
			fl := f.begin()
			f.answer("/token", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL+"/?x=1", status) })
			_, err := fl.exchange()
			wantCheck(t, err, oauth.CheckTokenHTTP, oauth.FaultProvider, "")
			if caught != 0 {
				t.Error("the other server was asked")
			}
			if strings.Contains(err.Error(), thief.URL) {
				t.Errorf("the error repeats the target: %v", err)
			}
		})
	}
}

func TestTOK07_ExpiresInInAllItsDisguises(t *testing.T) {
	for name, tc := range map[string]struct {
		value any
		loose bool
		want  time.Duration // from now; negative: unknown
	}{
		"a number":                       {600, false, 600 * time.Second},
		"A078 zero":                      {0, false, 0},
		"A078 negative":                  {-5, false, 0},
		"A079 huge":                      {9223372037, false, 10 * 365 * 24 * time.Hour},
		"A079 astronomic":                {1e300, false, 10 * 365 * 24 * time.Hour},
		"A080 a fraction":                {3599.9, false, 3599 * time.Second},
		"A080 text is not read":          {"3600", false, -1},
		"A080 text where the flag is":    {"3600", true, 3600 * time.Second},
		"A080 letters where the flag is": {"3600s", true, -1},
		"A080 a boolean":                 {true, false, -1},
		"A081 absent":                    {nil, false, -1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			_, tok := f.tokens(map[string]any{"expires_in": tc.value}, func(c *oauth.Config) { c.Dialect.TextExpiresIn = tc.loose })
			if tc.want < 0 {
				if !tok.Expires.IsZero() || !tok.Valid(time.Now(), time.Hour) {
					t.Errorf("expires %v, want unknown", tok.Expires)
				}
				return
			}
			left := time.Until(tok.Expires)
			if left > tc.want || left < tc.want-30*time.Second {
				t.Errorf("expires in %v, want %v", left, tc.want)
			}
			if tc.want == 0 && tok.Valid(time.Now(), 0) {
				t.Error("a token that has expired is valid")
			}
		})
	}
}

func TestTOK08_TOK09_Scopes(t *testing.T) {
	for name, tc := range map[string]struct {
		answer  any
		require []string
		want    string
		refused string
	}{
		"absent means as asked":        {nil, nil, "openid email", ""},
		"present replaces":             {"openid", nil, "openid", ""},
		"empty means nothing":          {"", nil, "", ""},
		"A082 more than asked is kept": {"openid email admin", nil, "openid email admin", ""},
		"A082 an array":                {[]string{"openid", "email"}, nil, "openid email", ""},
		"A082 commas":                  {"openid,email", nil, "openid email", ""},
		"A303 aliases":                 {"openid https://long.example/email", nil, "openid email", ""},
		"A082 a number":                {5, nil, "openid email", ""},
		"a scope the app needs":        {"openid", []string{"email"}, "", "scope: a scope that the app needs was not granted (expected email, got openid); sign in again and allow all that is asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			fl := f.begin(func(c *oauth.Config) {
				c.Dialect.ResponseScopeSeparators = ","
				c.Dialect.ScopeAliases = map[string]string{"https://long.example/email": "email"}
				c.RequireScopes = tc.require
			})
			f.grant(fl.nonce(), map[string]any{"scope": tc.answer})
			tok, err := fl.exchange()
			if tc.refused != "" {
				wantCheck(t, err, oauth.CheckScope, oauth.FaultDenied, tc.refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(tok.Scopes, " "); got != tc.want {
				t.Errorf("scopes %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTOK05_TokenTypeIsComparedWithoutCase(t *testing.T) {
	f := newFake(t)
	if _, tok := f.tokens(map[string]any{"token_type": "bEARER"}); tok.Type != "Bearer" {
		t.Errorf("type %q", tok.Type)
	}
}

func TestA286_A088_A089_TOK12_IDT14_ABadNonceEndsTheLoginBeforeUserInfo(t *testing.T) {
	f := newFake(t)
	fl := f.begin()
	f.grant("another nonce", nil)
	_, err := fl.exchange()
	wantCheck(t, err, oauth.CheckNonce, oauth.FaultProvider, "")
	if strings.Contains(err.Error(), fl.nonce()) || strings.Contains(err.Error(), "another nonce") {
		t.Errorf("the error shows a nonce: %v", err)
	}
}

func TestDialectOfTokenAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		body    string
		dialect oauth.Dialect
		want    string // access token; "" means refused
		code    string
	}{
		"A317 ok:false":           {`{"ok":false,"error":"bad_code"}`, oauth.Dialect{OKMember: "ok"}, "", "bad_code"},
		"A317 ok:false no error":  {`{"ok":false,"access_token":"a","token_type":"Bearer"}`, oauth.Dialect{OKMember: "ok"}, "", "unknown_error"},
		"ok:true":                 {`{"ok":true,"access_token":"a","token_type":"Bearer"}`, oauth.Dialect{OKMember: "ok"}, "a", ""},
		"A322 status and message": {`{"status":400,"message":"Invalid code"}`, oauth.Dialect{ErrorMember: "status", ErrorTextMember: "message"}, "", "400"},
		"A316 an error object":    {`{"error":{"code":190,"message":"no"}}`, oauth.Dialect{ErrorMember: "error.code", ErrorTextMember: "error.message"}, "", "190"},
		"A333 nested in data":     {`{"data":{"access_token":"a","token_type":"Bearer"}}`, oauth.Dialect{TokenAnswer: "data"}, "a", ""},
		"A308 a code of its own":  {`{"error":"bad_refresh_token"}`, oauth.Dialect{ErrorCodes: map[string]string{"bad_refresh_token": "invalid_grant"}}, "", "invalid_grant"},
		"another place":           {`{"ok":true,"authed_user":{"access_token":"a"},"token_type":"user"}`, oauth.Dialect{AccessTokenMember: "authed_user.access_token"}, "", ""},
		"default token type":      {`{"access_token":"a"}`, oauth.Dialect{DefaultTokenType: "Bearer"}, "a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			fl := f.begin(func(c *oauth.Config) { c.Dialect, c.Scopes = tc.dialect, []string{"read"} })
			f.answer("/token", send(200, "application/json", tc.body))
			tok, err := fl.exchange()
			if tc.want == "" {
				if err == nil || oauth.ProviderCode(err) != tc.code {
					t.Fatalf("error %v with code %q, want %q", err, oauth.ProviderCode(err), tc.code)
				}
				return
			}
			if err != nil || tok.AccessToken.Reveal() != tc.want {
				t.Fatalf("token %v, error %v", tok, err)
			}
		})
	}
}

func TestA329_AJSONBodyWhereTheProviderWantsOne(t *testing.T) {
	f := newFake(t)
	f.tokens(nil, func(c *oauth.Config) {
		c.Dialect.JSONTokenRequest = true
		c.TokenParams = map[string]string{"action": "requesttoken"}
	})
	r := f.got("/token")[0]
	if r.header.Get("Content-Type") != "application/json" || !strings.Contains(r.body, `"code":"c/o+de= 1"`) || !strings.Contains(r.body, `"action":"requesttoken"`) {
		t.Errorf("%s: %s", r.header.Get("Content-Type"), r.body)
	}
}

func TestA318_TOK02_NoPKCEWhereItBreaksTheProvider(t *testing.T) {
	f := newFake(t)
	fl, _ := f.tokens(nil, func(c *oauth.Config) { c.Dialect.NoPKCE = true })
	if fl.url.Query().Has("code_challenge") || f.got("/token")[0].form.Has("code_verifier") {
		t.Error("TOK-02: challenge or verifier sent")
	}
}

func TestRetryAfterIsHonouredUpToAMinute(t *testing.T) {
	for value, want := range map[string]time.Duration{"7": 7 * time.Second, "3600": time.Minute, "-1": 0, "soon": 0, "": 0} {
		f := newFake(t)
		fl := f.begin()
		f.answer("/token", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(503)
		})
		_, err := fl.exchange()
		var e *oauth.Error
		if !asError(err, &e) || e.RetryAfter != want {
			t.Errorf("Retry-After %q gives %v, want %v (%v)", value, e.RetryAfter, want, err)
		}
	}
}

func TestAnExchangeOfAnotherClientsCodeIsRefused(t *testing.T) {
	f := newFake(t)
	code := f.begin().code()
	other := f.begin()
	_, err := other.c.Exchange(t.Context(), code)
	wantCheck(t, err, oauth.CheckEntry, oauth.FaultCaller, "provider-entry: the code was checked by another client")
}

func TestTOK16_NoTokenStaysAmongTheExtraMembers(t *testing.T) {
	f := newFake(t)
	_, tok := f.tokens(map[string]any{"authed_user": map[string]any{"id": "U1", "access_token": "at-nested", "deeper": map[string]any{"refresh_token": "rt-nested", "n": 1}}})
	b, err := tok.Extra.MarshalJSON()
	if err != nil || strings.Contains(string(b), "nested") || tok.Extra.Text("authed_user.id") != "U1" || tok.Extra.Text("authed_user.deeper.n") != "1" {
		t.Errorf("%s, %v", b, err)
	}
}
