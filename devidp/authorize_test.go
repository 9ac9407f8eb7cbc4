package devidp_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/robot"
)

// heading is what a page says in its h1.
func heading(page string) string {
	_, rest, _ := strings.Cut(page, "<h1>")
	text, _, _ := strings.Cut(rest, "</h1>")
	return text
}

func TestBeforeAnyRedirectClientAndRedirectURIAreChecked(t *testing.T) {
	a := newApp(t, func(o *devidp.Options) {
		o.Clients = []devidp.Client{
			{ID: "finance-tracker", Secret: "s"},
			{ID: "exact", Secret: "s", RedirectURIs: []string{"https://app.example/cb?keep=1"}},
		}
	})
	const notLoopback = "The redirect_uri must be on 127.0.0.1, [::1] or localhost, because none is registered for this application."
	const notExact = "The redirect_uri is not one that is registered for this application; they are compared character by character."
	for name, test := range map[string]struct {
		query string
		says  string
	}{
		"no client":               {a.authorization("client_id", ""), "The parameter client_id is missing."},
		"unknown client":          {a.authorization("client_id", "someone"), "No application is registered under this client_id."},
		"client twice":            {a.authorization() + "&client_id=finance-tracker", "The parameter client_id appears more than once."},
		"no redirect URI":         {a.authorization("redirect_uri", ""), "The parameter redirect_uri is missing."},
		"redirect URI twice":      {a.authorization() + "&redirect_uri=http://127.0.0.1/", "The parameter redirect_uri appears more than once."},
		"redirect URI elsewhere":  {a.authorization("redirect_uri", "https://app.example/cb"), notLoopback},
		"loopback as a prefix":    {a.authorization("redirect_uri", "http://localhost.app.example/cb"), notLoopback},
		"loopback as a user":      {a.authorization("redirect_uri", "http://localhost@app.example/"), "Redirect URI &#34;http://localhost@app.example/&#34;: want http(s)://host[:port]/path without fragment."},
		"with a fragment":         {a.authorization("redirect_uri", callback+"#x"), "Redirect URI &#34;" + callback + "#x&#34;: want http(s)://host[:port]/path without fragment."},
		"a host that is policy":   {a.authorization("redirect_uri", "http://localhost;x/"), "want http(s)://host[:port]/path without fragment."},
		"a zone":                  {a.authorization("redirect_uri", "http://[::1%25x]/"), "want http(s)://host[:port]/path without fragment."},
		"a space":                 {a.authorization("redirect_uri", "http://localhost/a b"), "want http(s)://host[:port]/path without fragment."},
		"not ASCII":               {a.authorization("redirect_uri", "http://localhost/é"), "want http(s)://host[:port]/path without fragment."},
		"a script":                {a.authorization("redirect_uri", "javascript:alert(1)"), "Redirect URI &#34;javascript:alert(1)&#34;: want http(s)://host[:port]/path without fragment."},
		"registered, other case":  {a.authorization("client_id", "exact", "redirect_uri", "https://app.example/CB?keep=1"), notExact},
		"registered, other query": {a.authorization("client_id", "exact", "redirect_uri", "https://app.example/cb?keep=1&more=2"), notExact},
		"registered, loopback":    {a.authorization("client_id", "exact"), notExact},
		"malformed query":         {a.authorization() + "&x=%zz", "The query is malformed."},
		"semicolon in the query":  {a.authorization() + ";x=1", "The query is malformed."},
		"an endless query":        {a.authorization("state", strings.Repeat("s", 20_000)), "at most 8192 are read."},
	} {
		t.Run(name, func(t *testing.T) {
			r := a.get(strings.TrimPrefix(test.query, a.idp.Issuer()))
			equal(t, "status", r.status, http.StatusBadRequest)
			equal(t, "Location", r.header.Get("Location"), "")
			if !strings.Contains(r.body, test.says) {
				t.Errorf("the page does not say %q: %s", test.says, r.body[strings.Index(r.body, "<main>"):])
			}
		})
	}
	t.Run("the registered URI is good, and keeps its query", func(t *testing.T) {
		arrived := a.login("client_id", "exact", "redirect_uri", "https://app.example/cb?keep=1")
		equal(t, "keep", arrived.Get("keep"), "1")
		if arrived.Get("code") == "" {
			t.Error("no code came")
		}
	})
	t.Run("other loopback addresses are good", func(t *testing.T) {
		for _, uri := range []string{"http://127.0.0.1:1/cb", "http://[::1]:8000/cb", "https://localhost/cb"} {
			if a.login("redirect_uri", uri).Get("code") == "" {
				t.Errorf("%s: no code came", uri)
			}
		}
	})
	t.Run("any redirect URI is good when told so", func(t *testing.T) {
		open := newApp(t, func(o *devidp.Options) { o.InsecureAnyRedirect = true })
		if open.login("redirect_uri", "https://app.example/cb").Get("code") == "" {
			t.Error("no code came")
		}
	})
}

func TestOtherMistakesGoBackToTheClient(t *testing.T) {
	a := newApp(t)
	for name, test := range map[string]struct {
		url         string
		code        string
		description string
	}{
		"response_type missing":    {a.authorization("response_type", ""), "invalid_request", "response_type is missing"},
		"implicit":                 {a.authorization("response_type", "token"), "unsupported_response_type", "only response_type=code is supported"},
		"hybrid":                   {a.authorization("response_type", "code id_token"), "unsupported_response_type", "only response_type=code is supported"},
		"response_mode":            {a.authorization("response_mode", "form_post"), "invalid_request", "only response_mode=query is supported"},
		"request object":           {a.authorization("request", "e30.e30."), "request_not_supported", "request objects are not supported"},
		"request_uri":              {a.authorization("request_uri", "https://app.example/r"), "request_uri_not_supported", "request_uri is not supported"},
		"scope missing":            {a.authorization("scope", ""), "invalid_scope", "scope names nothing that this provider knows"},
		"scope unknown":            {a.authorization("scope", "OPENID everything"), "invalid_scope", "scope names nothing that this provider knows"},
		"challenge missing":        {a.authorization("code_challenge", "", "code_challenge_method", ""), "invalid_request", "code_challenge is missing: this provider demands PKCE"},
		"method without challenge": {a.authorization("code_challenge", ""), "invalid_request", "code_challenge_method came without code_challenge"},
		"method missing":           {a.authorization("code_challenge_method", ""), "invalid_request", "code_challenge_method must be S256"},
		"plain":                    {a.authorization("code_challenge_method", "plain"), "invalid_request", "code_challenge_method must be S256"},
		"challenge too short":      {a.authorization("code_challenge", "short"), "invalid_request", "code_challenge is not the base64url form of a SHA-256 hash"},
		"prompt unknown":           {a.authorization("prompt", "create"), "invalid_request", "prompt has an unknown value"},
		"prompt none and more":     {a.authorization("prompt", "none login"), "invalid_request", "prompt=none stands alone"},
		"max_age":                  {a.authorization("max_age", "-1"), "invalid_request", "max_age must be a whole number of seconds"},
		"access_type":              {a.authorization("access_type", "forever"), "invalid_request", "access_type must be online or offline"},
		"nonce twice":              {a.authorization() + "&nonce=other", "invalid_request", "a parameter appears more than once"},
	} {
		t.Run(name, func(t *testing.T) {
			r := a.get(strings.TrimPrefix(test.url, a.idp.Issuer()))
			equal(t, "status", r.status, http.StatusSeeOther)
			arrived := a.arrive(r.header.Get("Location"), nil)
			equal(t, "error", arrived.Get("error"), test.code)
			equal(t, "error_description", arrived.Get("error_description"), test.description)
			equal(t, "state", arrived.Get("state"), "a state & more")
			equal(t, "iss", arrived.Get("iss"), a.idp.Issuer())
			equal(t, "code", arrived.Get("code"), "")
		})
	}
	t.Run("state twice is not echoed", func(t *testing.T) {
		r := a.get(strings.TrimPrefix(a.authorization()+"&state=other", a.idp.Issuer()))
		arrived := a.arrive(r.header.Get("Location"), nil)
		equal(t, "error", arrived.Get("error"), "invalid_request")
		if arrived.Has("state") {
			t.Error("a state was echoed")
		}
	})
	t.Run("unknown scopes and parameters are ignored", func(t *testing.T) {
		r := a.tokens("scope", "openid everything email openid", "hd", "example.com")
		equal(t, "scope", r.text("scope"), "openid email")
	})
}

func TestAuthorizationByPost(t *testing.T) {
	a := newApp(t)
	_, query, _ := strings.Cut(a.authorization(), "?")
	send := func(rawQuery string) answer {
		request, err := http.NewRequest(http.MethodPost, a.idp.Issuer()+"/authorize"+rawQuery, strings.NewReader(query))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return a.do(request)
	}
	r := send("")
	equal(t, "status", r.status, http.StatusSeeOther)
	if !strings.HasPrefix(r.header.Get("Location"), "/signin?") {
		t.Errorf("leads to %s", r.header.Get("Location"))
	}
	equal(t, "with parameters in the URL too", send("?state=x").status, http.StatusBadRequest)
}

func TestDenyingAndCancelling(t *testing.T) {
	a := newApp(t)
	for name, arrived := range map[string]url.Values{
		"deny":   a.arrive(robot.New(nil).SignIn(a.authorization(), "ada", false)),
		"cancel": a.arrive(robot.New(nil).Cancel(a.authorization())),
	} {
		equal(t, name+": error", arrived.Get("error"), "access_denied")
		equal(t, name+": state", arrived.Get("state"), "a state & more")
		equal(t, name+": iss", arrived.Get("iss"), a.idp.Issuer())
		equal(t, name+": code", arrived.Get("code"), "")
	}
}

func TestConsentAndSignInAreRemembered(t *testing.T) {
	a := newApp(t)
	pages := func() int { return a.idp.Count("signin") + a.idp.Count("consent") }
	a.login()
	before := pages()
	a.login()
	equal(t, "pages in the second login", pages()-before, 0)

	_, err := a.browser.SignIn(a.authorization(), "ada", false)
	if err == nil || err.Error() != "no consent page was shown, so nothing could be denied" {
		t.Errorf("denying what was remembered: %v", err)
	}

	t.Run("another client is asked about", func(t *testing.T) {
		before := a.idp.Count("consent")
		a.login("client_id", "another")
		equal(t, "consent requests", a.idp.Count("consent")-before, 2)
	})
	t.Run("one more scope is asked about", func(t *testing.T) {
		before := a.idp.Count("consent")
		a.login("scope", allScope+" offline_access")
		equal(t, "consent requests", a.idp.Count("consent")-before, 2)
	})
	t.Run("another browser signs in, the consent is the person's", func(t *testing.T) {
		signin, consent := a.idp.Count("signin"), a.idp.Count("consent")
		a.arrive(robot.New(nil).SignIn(a.authorization(), "ada", true))
		equal(t, "sign-in requests", a.idp.Count("signin")-signin, 2)
		equal(t, "consent requests", a.idp.Count("consent")-consent, 0)
	})
	t.Run("another person is asked", func(t *testing.T) {
		before := a.idp.Count("consent")
		a.arrive(robot.New(nil).SignIn(a.authorization(), "zoe", true))
		equal(t, "consent requests", a.idp.Count("consent")-before, 2)
	})
}

func TestPrompt(t *testing.T) {
	ask := func(a *app, pairs ...string) url.Values {
		a.t.Helper()
		return a.arrive(a.browser.SignIn(a.authorization(pairs...), "ada", true))
	}
	t.Run("none with nobody signed in", func(t *testing.T) {
		equal(t, "error", ask(newApp(t), "prompt", "none").Get("error"), "login_required")
	})
	t.Run("none without consent", func(t *testing.T) {
		a := newApp(t)
		a.login("client_id", "another")
		equal(t, "error", ask(a, "prompt", "none").Get("error"), "consent_required")
	})
	t.Run("none when all is known", func(t *testing.T) {
		a := newApp(t)
		a.login()
		if ask(a, "prompt", "none").Get("code") == "" {
			t.Error("no code came")
		}
	})
	t.Run("none and a sign-in older than max_age", func(t *testing.T) {
		var now clock
		a := newApp(t, now.use)
		a.login()
		now.pass(time.Minute)
		equal(t, "error", ask(a, "prompt", "none", "max_age", "59").Get("error"), "login_required")
		if ask(a, "prompt", "none", "max_age", "60").Get("code") == "" {
			t.Error("no code came within max_age")
		}
	})
	for _, pairs := range [][]string{{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "0"}} {
		t.Run(strings.Join(pairs, " ")+" asks again and renews auth_time", func(t *testing.T) {
			var now clock
			a := newApp(t, now.use)
			a.login()
			now.pass(time.Hour)
			before := a.idp.Count("signin")
			r := a.tokens(pairs...)
			equal(t, "sign-in requests", a.idp.Count("signin")-before, 2)
			equal(t, "auth_time", part(t, r.text("id_token"), 1)["auth_time"], any(float64(now.now().Unix())))
		})
	}
	t.Run("auth_time is otherwise that of the first sign-in", func(t *testing.T) {
		var now clock
		a := newApp(t, now.use)
		a.login()
		signedIn := now.now()
		now.pass(time.Hour)
		equal(t, "auth_time", part(t, a.tokens().text("id_token"), 1)["auth_time"], any(float64(signedIn.Unix())))
	})
	t.Run("consent asks again", func(t *testing.T) {
		a := newApp(t)
		a.login()
		before := a.idp.Count("consent")
		ask(a, "prompt", "consent")
		equal(t, "consent requests", a.idp.Count("consent")-before, 2)
	})
	t.Run("login and consent together ask both", func(t *testing.T) {
		a := newApp(t)
		a.login()
		signin, consent := a.idp.Count("signin"), a.idp.Count("consent")
		ask(a, "prompt", "login consent")
		equal(t, "sign-in requests", a.idp.Count("signin")-signin, 2)
		equal(t, "consent requests", a.idp.Count("consent")-consent, 2)
	})
}

func TestARefreshTokenNeedsConsentInThisLogin(t *testing.T) {
	has := func(r answer) bool { return r.text("refresh_token") != "" }
	for name, pairs := range map[string][]string{
		"access_type=offline":  {"access_type", "offline"},
		"scope offline_access": {"scope", allScope + " offline_access"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			equal(t, "first consent", has(a.tokens(pairs...)), true)
			equal(t, "second login", has(a.tokens(pairs...)), false)
			equal(t, "prompt=consent", has(a.tokens(append(pairs, "prompt", "consent")...)), true)
		})
	}
	t.Run("not asked for", func(t *testing.T) {
		equal(t, "first consent", has(newApp(t).tokens()), false)
	})
	t.Run("asked for after an online login", func(t *testing.T) {
		a := newApp(t)
		a.login()
		equal(t, "offline is asked about", has(a.tokens("access_type", "offline")), true)
	})
}

// visit is one browser's view of one page, without the robot's good manners.
type visit struct {
	t      *testing.T
	a      *app
	client *http.Client
}

func (v visit) open(location string) (answer, *url.URL) {
	v.t.Helper()
	response, err := v.client.Get(location)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: string(page)}, response.Request.URL
}

func (v visit) press(path string, form url.Values, headers ...string) answer {
	v.t.Helper()
	request, err := http.NewRequest(http.MethodPost, v.a.idp.Issuer()+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	for _, cookie := range v.client.Jar.Cookies(request.URL) {
		request.AddCookie(cookie)
	}
	r := v.a.do(request)
	v.client.Jar.SetCookies(request.URL, (&http.Response{Header: r.header}).Cookies())
	return r
}

func TestThePagesForms(t *testing.T) {
	begin := func(t *testing.T, a *app) (visit, string) {
		v := visit{t, a, newBrowser(t)}
		_, at := v.open(a.authorization())
		return v, at.Query().Get("interaction")
	}
	t.Run("posts from other sites are refused", func(t *testing.T) {
		v, id := begin(t, newApp(t))
		form := url.Values{"interaction": {id}, "person": {"ada"}}
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://evil.example"}} {
			r := v.press("/signin", form, headers...)
			equal(t, strings.Join(headers, " "), r.status, http.StatusForbidden)
			equal(t, "cookie", r.header.Get("Set-Cookie"), "")
		}
		equal(t, "our own", v.press("/signin", form, "Sec-Fetch-Site", "same-origin").status, http.StatusSeeOther)
		for _, path := range []string{"/consent", "/faults"} {
			equal(t, path, v.press(path, form, "Sec-Fetch-Site", "cross-site").status, http.StatusForbidden)
		}
	})
	t.Run("an unknown interaction has expired", func(t *testing.T) {
		v, _ := begin(t, newApp(t))
		r := v.press("/consent", url.Values{"interaction": {"guess"}, "decision": {"allow"}, "person": {"ada"}})
		equal(t, "status", r.status, http.StatusGone)
		equal(t, "heading", heading(r.body), "This page has expired")
	})
	t.Run("an interaction expires after ten minutes", func(t *testing.T) {
		var now clock
		v, id := begin(t, newApp(t, now.use))
		now.pass(10 * time.Minute)
		equal(t, "status", v.press("/signin", url.Values{"interaction": {id}, "person": {"ada"}}).status, http.StatusGone)
	})
	t.Run("consent without a sign-in leads to the sign-in", func(t *testing.T) {
		v, id := begin(t, newApp(t))
		r := v.press("/consent", url.Values{"interaction": {id}, "decision": {"allow"}, "person": {"ada"}})
		equal(t, "Location", r.header.Get("Location"), "/signin?interaction="+id)
	})
	t.Run("an unknown person is not signed in", func(t *testing.T) {
		v, id := begin(t, newApp(t))
		r := v.press("/signin", url.Values{"interaction": {id}, "person": {"root"}})
		equal(t, "status", r.status, http.StatusBadRequest)
		equal(t, "cookie", r.header.Get("Set-Cookie"), "")
	})
	t.Run("a double click yields one code", func(t *testing.T) {
		v, id := begin(t, newApp(t))
		v.press("/signin", url.Values{"interaction": {id}, "person": {"ada"}})
		form := url.Values{"interaction": {id}, "decision": {"allow"}, "person": {"ada"}}
		equal(t, "first", v.press("/consent", form).status, http.StatusSeeOther)
		second := v.press("/consent", form)
		equal(t, "second", second.status, http.StatusGone)
		equal(t, "heading", heading(second.body), "This request was already answered")
		if !strings.Contains(second.body, `href="http://localhost:8000"`) {
			t.Error("the page does not lead back to the application")
		}
	})
	t.Run("whoever signed in meanwhile is asked, not the one the page named", func(t *testing.T) {
		v, id := begin(t, newApp(t))
		v.press("/signin", url.Values{"interaction": {id}, "person": {"ada"}})
		_, at := v.open(v.a.authorization("prompt", "login"))
		v.press("/signin", url.Values{"interaction": {at.Query().Get("interaction")}, "person": {"grace"}})
		r := v.press("/consent", url.Values{"interaction": {id}, "decision": {"allow"}, "person": {"ada"}})
		equal(t, "Location", r.header.Get("Location"), "/consent?interaction="+id)
		page, _ := v.open(v.a.idp.Issuer() + r.header.Get("Location"))
		if !strings.Contains(page.body, "Grace Okoye") {
			t.Error("the page does not say that it is Grace now")
		}
	})
	t.Run("ten tabs of a fresh browser all arrive", func(t *testing.T) {
		a := newApp(t)
		v := visit{t, a, newBrowser(t)}
		var ids []string
		for range 10 {
			_, at := v.open(a.authorization())
			ids = append(ids, at.Query().Get("interaction"))
		}
		for _, id := range ids {
			v.press("/signin", url.Values{"interaction": {id}, "person": {"ada"}})
		}
		codes := map[string]bool{}
		for i, id := range ids {
			r := v.press("/consent", url.Values{"interaction": {id}, "decision": {"allow"}, "person": {"ada"}})
			code := a.arrive(r.header.Get("Location"), nil).Get("code")
			if code == "" || codes[code] {
				t.Errorf("tab %d: status %d, a code of its own: %t", i, r.status, code != "" && !codes[code])
			}
			codes[code] = true
		}
	})
	t.Run("login_hint puts its person first", func(t *testing.T) {
		a := newApp(t)
		page, _ := visit{t, a, newBrowser(t)}.open(a.authorization("login_hint", "LIN@example.com"))
		lin, ada := strings.Index(page.body, `value="lin"`), strings.Index(page.body, `value="ada"`)
		if lin < 0 || ada < 0 || lin > ada {
			t.Errorf("lin at %d, ada at %d", lin, ada)
		}
	})
	t.Run("the form must be a form", func(t *testing.T) {
		v, id := begin(t, newApp(t))
		r := v.press("/signin", url.Values{"interaction": {id}, "person": {"ada"}}, "Content-Type", "text/plain")
		equal(t, "status", r.status, http.StatusBadRequest)
	})
}

func FuzzAuthorizationRequest(f *testing.F) {
	a := newApp(f)
	_, query, _ := strings.Cut(a.authorization(), "?")
	f.Add(query)
	f.Add("client_id=x&redirect_uri=http://localhost\\@evil.example/&response_type=code")
	f.Add("client_id=x&redirect_uri=//evil.example&state=%0d%0aSet-Cookie:x")
	f.Add("client_id=&redirect_uri=http://[::1%25x]/;")
	f.Fuzz(func(t *testing.T, query string) {
		r := serve(a.idp, "GET", "/authorize", query, "")
		location, err := url.Parse(r.Header().Get("Location"))
		switch {
		case r.Code == http.StatusBadRequest && r.Header().Get("Location") == "":
		case r.Code != http.StatusSeeOther || err != nil:
			t.Errorf("status %d, Location parses: %v", r.Code, err)
		case location.Host == "" && strings.HasPrefix(location.Path, "/signin"):
		case location.Hostname() != "localhost" && location.Hostname() != "::1" && !strings.HasPrefix(location.Hostname(), "127.") &&
			!strings.HasPrefix(location.Hostname(), "::ffff:127."):
			t.Errorf("redirects to %q", location.Host)
		}
	})
}
