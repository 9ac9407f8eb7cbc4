package devidp_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
)

// refused checks an error answer of the token endpoint to the letter.
func refused(t *testing.T, r answer, status int, code, description string) {
	t.Helper()
	equal(t, "status", r.status, status)
	equal(t, "error", r.text("error"), code)
	equal(t, "error_description", r.text("error_description"), description)
	equal(t, "Cache-Control", r.header.Get("Cache-Control"), "no-store")
	equal(t, "Content-Type", r.header.Get("Content-Type"), "application/json")
	challenge := r.header.Get("WWW-Authenticate")
	equal(t, "a challenge goes with 401 alone", challenge != "", status == http.StatusUnauthorized)
	if _, ok := r.json["access_token"]; ok {
		t.Error("a token came with the error")
	}
}

func TestTokenRequestsMustBeWellFormed(t *testing.T) {
	a := newApp(t)
	good := exchange(a.login().Get("code"))
	for name, test := range map[string]struct {
		r                 answer
		code, description string
	}{
		"no grant_type":      {a.post(with(good, "grant_type", "")), "invalid_request", "grant_type is missing"},
		"another grant_type": {a.post(with(good, "grant_type", "password")), "unsupported_grant_type", "want authorization_code or refresh_token"},
		"no code":            {a.post(with(good, "code", "")), "invalid_request", "code is missing"},
		"no redirect_uri":    {a.post(with(good, "redirect_uri", "")), "invalid_request", "redirect_uri is missing"},
		"no refresh_token":   {a.post(url.Values{"grant_type": {"refresh_token"}}), "invalid_request", "refresh_token is missing"},
		"a parameter twice":  {a.post(url.Values{"grant_type": {"refresh_token", "refresh_token"}}), "invalid_request", "a parameter appears more than once"},
		"a large body": {a.post(with(good, "more", strings.Repeat("m", 70_000))), "invalid_request",
			"the body could not be read, or has more than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, test.r, http.StatusBadRequest, test.code, test.description)
		})
	}
	for name, test := range map[string]struct{ method, query, contentType, body, description string }{
		"JSON":             {"POST", "", "application/json", `{"grant_type":"authorization_code"}`, "the body must be application/x-www-form-urlencoded"},
		"no content type":  {"POST", "", "", good.Encode(), "the body must be application/x-www-form-urlencoded"},
		"query parameters": {"POST", "?code=x", "application/x-www-form-urlencoded", good.Encode(), "a POST carries its parameters in the body, not in the URL"},
		"malformed body":   {"POST", "", "application/x-www-form-urlencoded", "grant_type=%", "the body is malformed"},
		"semicolons":       {"POST", "", "application/x-www-form-urlencoded", "grant_type=a;code=b", "the body is malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest(test.method, a.idp.Issuer()+"/token"+test.query, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", test.contentType)
			request.SetBasicAuth("finance-tracker", devidp.DevSecret)
			refused(t, a.do(request), http.StatusBadRequest, "invalid_request", test.description)
		})
	}
	t.Run("GET is not allowed", func(t *testing.T) {
		r := a.get("/token?" + good.Encode())
		equal(t, "status", r.status, http.StatusMethodNotAllowed)
		equal(t, "Allow", r.header.Get("Allow"), "POST")
	})
	t.Run("the code is still good after all that", func(t *testing.T) {
		equal(t, "status", a.post(good).status, http.StatusOK)
	})
}

func TestACodeIsBoundAndWorksOnce(t *testing.T) {
	var now clock
	a := newApp(t, now.use)
	fresh := func() url.Values { return exchange(a.login().Get("code")) }

	t.Run("unknown", func(t *testing.T) {
		refused(t, a.post(exchange("guess")), 400, "invalid_grant", "the code is unknown or has expired")
	})
	t.Run("after sixty seconds", func(t *testing.T) {
		early, late := fresh(), fresh()
		now.pass(59 * time.Second)
		equal(t, "status at 59 s", a.post(early).status, http.StatusOK)
		now.pass(time.Second)
		refused(t, a.post(late), 400, "invalid_grant", "the code is unknown or has expired")
	})
	t.Run("from another client, which does not spend it", func(t *testing.T) {
		form := fresh()
		r := a.post(with(form, "client_id", "another", "client_secret", devidp.DevSecret), "Accept", "*/*")
		refused(t, r, 400, "invalid_grant", "the code was issued to another client")
		equal(t, "its own client", a.post(form).status, http.StatusOK)
	})
	for name, test := range map[string]struct {
		pair        []string
		description string
	}{
		"another redirect_uri": {[]string{"redirect_uri", callback + "/"}, "redirect_uri differs from the one in the authorization request"},
		"another verifier":     {[]string{"code_verifier", strings.ToUpper(verifier)}, "code_verifier does not match the code_challenge"},
		"no verifier":          {[]string{"code_verifier", ""}, "code_verifier does not match the code_challenge"},
		"a short verifier":     {[]string{"code_verifier", verifier[:42]}, "code_verifier does not match the code_challenge"},
	} {
		t.Run(name+" spends the code", func(t *testing.T) {
			form := fresh()
			refused(t, a.post(with(form, test.pair...)), 400, "invalid_grant", test.description)
			refused(t, a.post(form), 400, "invalid_grant", "the code was used before; the tokens made from it are revoked")
		})
	}
	t.Run("a second use revokes what the first obtained", func(t *testing.T) {
		form := exchange(a.login("access_type", "offline", "prompt", "consent").Get("code"))
		first := a.post(form)
		equal(t, "before", a.bearer("/userinfo", first.text("access_token")).status, http.StatusOK)
		refused(t, a.post(form), 400, "invalid_grant", "the code was used before; the tokens made from it are revoked")
		equal(t, "after", a.bearer("/userinfo", first.text("access_token")).status, http.StatusUnauthorized)
		refused(t, a.post(refreshing(first.text("refresh_token"))), 400, "invalid_grant", "the grant was revoked")
	})
	t.Run("codes need encoding in a form", func(t *testing.T) {
		if code := a.login().Get("code"); !strings.ContainsAny(code, "/+=") {
			t.Error("the code has no character that a careless client would break")
		}
	})
}

func TestClientAuthentication(t *testing.T) {
	const awkward = "p%ss:w+rd & é/"
	a := newApp(t, func(o *devidp.Options) {
		o.Clients = []devidp.Client{
			{ID: "either", Secret: awkward},
			{ID: "only basic:", Secret: awkward, Auth: "client_secret_basic"},
			{ID: "only-post", Secret: awkward, Auth: "client_secret_post"},
			{ID: "public", Auth: "none"},
		}
	})
	basic := func(id, secret string) []string {
		pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
	}
	raw := func(header string) []string { return []string{"Authorization", header} }
	body := func(id, secret string) []string { return []string{"client_id", id, "client_secret", secret} }
	none := []string{"Accept", "*/*"} // keeps the helper from authenticating

	for name, test := range map[string]struct {
		client  string
		headers []string
		params  []string
	}{
		"basic":                     {"only basic:", basic("only basic:", awkward), nil},
		"basic, id in the body too": {"either", basic("either", awkward), body("either", "")},
		"basic, scheme in lower":    {"either", raw(strings.Replace(basic("either", awkward)[1], "Basic", "bAsIc", 1)), nil},
		"post":                      {"only-post", none, body("only-post", awkward)},
		"either by post":            {"either", none, body("either", awkward)},
		"public":                    {"public", none, body("public", "")},
		"public, more parameters":   {"public", none, append(body("public", ""), "ignored", "yes")},
	} {
		t.Run(name+" is accepted", func(t *testing.T) {
			form := with(exchange(a.login("client_id", test.client).Get("code")), test.params...)
			equal(t, "status", a.post(form, test.headers...).status, http.StatusOK)
		})
	}

	t.Run("public, an empty secret counts as none", func(t *testing.T) {
		form := with(exchange(a.login("client_id", "public").Get("code")), body("public", "")...)
		form.Set("client_secret", "")
		equal(t, "status", a.post(form, none...).status, http.StatusOK)
	})

	form := exchange("any")
	for name, test := range map[string]struct {
		headers     []string
		params      []string
		code        string
		description string
	}{
		"nothing":               {none, nil, "invalid_client", "no client authentication was sent"},
		"basic and post":        {basic("either", awkward), body("either", awkward), "invalid_request", "more than one way of client authentication was used"},
		"basic twice":           {append(basic("either", awkward), basic("either", awkward)...), nil, "invalid_request", "more than one way of client authentication was used"},
		"two ids":               {basic("either", awkward), body("public", ""), "invalid_request", "client_id differs from the one in the Authorization header"},
		"bearer":                {raw("Bearer abc"), nil, "invalid_client", "the Authorization header is not well-formed Basic authentication"},
		"no base64":             {raw("Basic ?"), nil, "invalid_client", "the Authorization header is not well-formed Basic authentication"},
		"no colon":              {raw("Basic " + base64.StdEncoding.EncodeToString([]byte("either"))), nil, "invalid_client", "the Authorization header is not well-formed Basic authentication"},
		"not form-encoded":      {raw("Basic " + base64.StdEncoding.EncodeToString([]byte("either:"+awkward))), nil, "invalid_client", "the Authorization header is not well-formed Basic authentication"},
		"unknown":               {basic("someone", awkward), nil, "invalid_client", "the client is unknown"},
		"wrong secret":          {basic("either", awkward+"!"), nil, "invalid_client", "the client secret is wrong"},
		"empty secret":          {basic("either", ""), nil, "invalid_client", "the client secret is wrong"},
		"wrong secret by post":  {none, body("either", "dev-secret"), "invalid_client", "the client secret is wrong"},
		"post, but basic only":  {none, body("only basic:", awkward), "invalid_client", "the client is not registered for client_secret_post"},
		"basic, but post only":  {basic("only-post", awkward), nil, "invalid_client", "the client is not registered for client_secret_basic"},
		"none, but has secret":  {none, body("either", ""), "invalid_client", "the client is not registered for none"},
		"secret, but is public": {none, body("public", "x"), "invalid_client", "the client is not registered for client_secret_post"},
		"an assertion":          {none, []string{"client_assertion", "a.b.c"}, "invalid_client", "client assertions are not supported"},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			status := http.StatusUnauthorized
			if test.code == "invalid_request" {
				status = http.StatusBadRequest
			}
			refused(t, a.post(with(form, test.params...), test.headers...), status, test.code, test.description)
		})
	}
}

func TestWithoutPKCEOnlyWhenRegisteredSo(t *testing.T) {
	a := newApp(t, func(o *devidp.Options) {
		o.Clients = []devidp.Client{{ID: "finance-tracker", Secret: devidp.DevSecret, InsecureNoPKCE: true}}
	})
	plain := []string{"code_challenge", "", "code_challenge_method", ""}
	form := with(exchange(a.login(plain...).Get("code")), "code_verifier", "")
	equal(t, "no PKCE at all", a.post(form).status, http.StatusOK)
	equal(t, "PKCE all the same", a.tokens().status, http.StatusOK)
	refused(t, a.post(exchange(a.login(plain...).Get("code"))), 400, "invalid_grant",
		"code_verifier came, but the authorization request had no code_challenge")
}

func TestRefreshing(t *testing.T) {
	var now clock
	a := newApp(t, now.use)
	t.Run("rotates, and the new tokens work", func(t *testing.T) {
		first := a.offline()
		now.pass(time.Hour)
		second := a.post(refreshing(first.text("refresh_token")))
		equal(t, "status", second.status, http.StatusOK)
		equal(t, "scope", second.text("scope"), allScope)
		for _, token := range []string{"access_token", "refresh_token", "id_token"} {
			if second.text(token) == "" || second.text(token) == first.text(token) {
				t.Errorf("%s is missing or not new", token)
			}
		}
		before, after := part(t, first.text("id_token"), 1), part(t, second.text("id_token"), 1)
		equal(t, "sub", after["sub"], before["sub"])
		equal(t, "aud", after["aud"], before["aud"])
		equal(t, "auth_time", after["auth_time"], before["auth_time"])
		equal(t, "iat", after["iat"], any(float64(now.now().Unix())))
		equal(t, "nonce", after["nonce"], nil)
		equal(t, "userinfo", a.bearer("/userinfo", second.text("access_token")).status, http.StatusOK)
	})
	t.Run("an old refresh token ends its family, and only that", func(t *testing.T) {
		other := a.offline()
		first := a.offline()
		second := a.post(refreshing(first.text("refresh_token")))
		third := a.post(refreshing(second.text("refresh_token")))
		refused(t, a.post(refreshing(first.text("refresh_token"))), 400, "invalid_grant",
			"the refresh token was used before; all tokens of its family are revoked")
		refused(t, a.post(refreshing(third.text("refresh_token"))), 400, "invalid_grant", "the grant was revoked")
		equal(t, "access token", a.bearer("/userinfo", third.text("access_token")).status, http.StatusUnauthorized)
		equal(t, "other family", a.post(refreshing(other.text("refresh_token"))).status, http.StatusOK)
	})
	t.Run("scope may shrink for one access token", func(t *testing.T) {
		first := a.offline()
		narrow := a.post(with(refreshing(first.text("refresh_token")), "scope", "openid email"))
		equal(t, "scope", narrow.text("scope"), "openid email")
		equal(t, "API", a.bearer("/api/accounts", narrow.text("access_token")).status, http.StatusForbidden)
		wide := a.post(refreshing(narrow.text("refresh_token")))
		equal(t, "scope afterwards", wide.text("scope"), allScope)
	})
	t.Run("scope may not grow, and asking does not spend the token", func(t *testing.T) {
		r := a.tokens("scope", "openid", "access_type", "offline", "prompt", "consent")
		refused(t, a.post(with(refreshing(r.text("refresh_token")), "scope", "openid email")), 400, "invalid_scope",
			"scope asks for more than was granted")
		equal(t, "status", a.post(refreshing(r.text("refresh_token"))).status, http.StatusOK)
	})
	t.Run("unknown", func(t *testing.T) {
		refused(t, a.post(refreshing("guess")), 400, "invalid_grant", "the refresh token is unknown or has expired")
	})
	t.Run("an access token is no refresh token", func(t *testing.T) {
		refused(t, a.post(refreshing(a.offline().text("access_token"))), 400, "invalid_grant", "the refresh token is unknown or has expired")
	})
	t.Run("from another client, which changes nothing", func(t *testing.T) {
		r := a.offline()
		form := with(refreshing(r.text("refresh_token")), "client_id", "another", "client_secret", devidp.DevSecret)
		refused(t, a.post(form, "Accept", "*/*"), 400, "invalid_grant", "the refresh token was issued to another client")
		equal(t, "status", a.post(refreshing(r.text("refresh_token"))).status, http.StatusOK)
	})
	t.Run("after thirty days", func(t *testing.T) {
		r := a.offline()
		now.pass(30 * 24 * time.Hour)
		refused(t, a.post(refreshing(r.text("refresh_token"))), 400, "invalid_grant", "the refresh token is unknown or has expired")
	})
	t.Run("without openid there is no ID token", func(t *testing.T) {
		r := a.tokens("scope", "transactions.read", "access_type", "offline", "prompt", "consent")
		equal(t, "id_token", r.text("id_token"), "")
		equal(t, "id_token after refresh", a.post(refreshing(r.text("refresh_token"))).text("id_token"), "")
	})
}

func FuzzTokenRequest(f *testing.F) {
	a := newApp(f)
	f.Add("", exchange("x").Encode())
	f.Add("Basic Zm9vOmJhcg==", "grant_type=refresh_token&refresh_token=x")
	f.Add("Basic JTox", "client_secret=dev-secret&client_id=x&grant_type=authorization_code")
	f.Fuzz(func(t *testing.T, authorization, body string) {
		request, err := http.NewRequest(http.MethodPost, a.idp.Issuer()+"/token", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", authorization)
		recorder := record(a.idp, request)
		if recorder.Code != http.StatusBadRequest && recorder.Code != http.StatusUnauthorized {
			t.Errorf("status %d", recorder.Code)
		}
	})
}
