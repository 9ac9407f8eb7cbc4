package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/oauth"
)

func parse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCBK01_CBK02_CBK03_CBK05_ReadCallback(t *testing.T) {
	for name, tc := range map[string]struct {
		method, query, body string
		text                string // "" means accepted
	}{
		"code and state":                {"GET", "code=c&state=s", "", ""},
		"CBK-04 unknown parameters":     {"GET", "code=c&state=s&utm=1&utm=2", "", ""},
		"A316 scope once":               {"GET", "code=c&state=s&scope=a+b", "", ""},
		"CBK-16 a code of 4 kB":         {"GET", "state=s&code=" + strings.Repeat("c", 4096), "", ""},
		"A050 code twice":               {"GET", "code=a&code=b&state=s", "", "callback-query: a parameter came more than once (expected code once, got code several times); sign in again"},
		"A050 code twice, once encoded": {"GET", "code=a&%63ode=b&state=s", "", "callback-query: a parameter came more than once (expected code once, got code several times); sign in again"},
		"A050 state twice":              {"GET", "code=a&state=s&state=s", "", "callback-query: a parameter came more than once (expected state once, got state several times); sign in again"},
		"A025 iss twice":                {"GET", "code=a&state=s&iss=a&iss=b", "", "callback-query: a parameter came more than once (expected iss once, got iss several times); sign in again"},
		"SH-39 id_token twice":          {"GET", "code=a&state=s&id_token=a&id_token=b", "", "callback-query: a parameter came more than once (expected id_token once, got id_token several times); sign in again"},
		"A062 a code of 9 kB":           {"GET", "state=s&code=" + strings.Repeat("c", 9<<10), "", "callback-query: the code is too long (expected at most 8 kB, got more); sign in again"},
		"A065 a semicolon":              {"GET", "code=a;state=s", "", "callback-query: the callback's query is malformed (expected form encoding, got something else); sign in again"},
		"A065 a broken escape":          {"GET", "code=a&state=%zz", "", "callback-query: the callback's query is malformed (expected form encoding, got something else); sign in again"},
		"A065 hundreds of parameters":   {"GET", strings.Repeat("a=1&", 300), "", "callback-query: the callback's query is malformed (expected form encoding, got something else); sign in again"},
		"A062 a query of 17 kB":         {"GET", "x=" + strings.Repeat("c", 17<<10), "", "callback-query: the callback's query is too long (expected at most 16 kB, got more); sign in again"},
		"A056 POST":                     {"POST", "", "code=a&state=s", "callback-query: the callback came with another method (expected GET, got POST); sign in again"},
		"A116 HEAD":                     {"HEAD", "code=a&state=s", "", "callback-query: the callback came with another method (expected GET, got HEAD); sign in again"},
		"A064 body beside the query":    {"GET", "code=a&state=s", "state=t", "callback-query: the callback has a body (expected parameters in the query only, got a body); sign in again"},
	} {
		t.Run(name, func(t *testing.T) {
			var r *http.Request
			if tc.body != "" {
				r = httptest.NewRequest(tc.method, "/cb?"+tc.query, strings.NewReader(tc.body))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			} else {
				r = httptest.NewRequest(tc.method, "/cb?"+tc.query, nil)
			}
			_, err := oauth.ReadCallback(r)
			if tc.text == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantCheck(t, err, oauth.CheckQuery, oauth.FaultBrowser, tc.text)
		})
	}
}

func TestA063_OtherSpellingsAreOtherParameters(t *testing.T) {
	f := newFake(t)
	fl := f.begin()
	_, err := fl.callback(url.Values{"Code": {"c"}, "code[]": {"c"}, "ſtate": {"s"}})
	wantCheck(t, err, oauth.CheckProviderAnswer, oauth.FaultBrowser, "provider-answer: the callback carries neither (expected either a code or an error, got nothing); sign in again")
}

func TestA051_CBK12_CodeAndErrorTogether(t *testing.T) {
	f := newFake(t)
	fl := f.begin()
	_, err := fl.callback(url.Values{"code": {"c"}, "error": {"access_denied"}})
	wantCheck(t, err, oauth.CheckProviderAnswer, oauth.FaultBrowser, "provider-answer: the callback carries both (expected either a code or an error, got code and error); sign in again")
}

func TestCBK13_ErrorsOfTheProvider(t *testing.T) {
	for code, fault := range map[string]oauth.Fault{
		"access_denied": oauth.FaultDenied, "login_required": oauth.FaultDenied, "consent_required": oauth.FaultDenied,
		"interaction_required": oauth.FaultDenied, "account_selection_required": oauth.FaultDenied,
		"temporarily_unavailable": oauth.FaultUnavailable, "server_error": oauth.FaultUnavailable,
		"invalid_scope": oauth.FaultProvider, "unauthorized_client": oauth.FaultProvider, "made_up": oauth.FaultProvider,
	} {
		f := newFake(t)
		fl := f.begin()
		_, err := fl.callback(url.Values{"error": {code}, "error_description": {"because"}})
		wantCheck(t, err, oauth.CheckProviderAnswer, fault, "")
		if oauth.ProviderCode(err) != code {
			t.Errorf("code %q, want %q", oauth.ProviderCode(err), code)
		}
	}
}

func TestA052_CBK14_TextsOfTheProviderAreReducedToHarmlessOnes(t *testing.T) {
	f := newFake(t)
	fl := f.begin()
	_, err := fl.callback(url.Values{"error": {"<script>\r\n\"x\u202e"}, "error_description": {strings.Repeat("ä<img src=x>", 10_000)}})
	if err == nil || len(err.Error()) > 700 || strings.ContainsAny(err.Error(), "\r\n\u202eä") {
		t.Errorf("error of %d bytes: %.300q", len(err.Error()), err.Error())
	}
}

func TestCBK08_CBK09_DIS15_DIS23_TheIssuerOfTheAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		advertised bool
		iss        func(issuer string) string
		set        func(*oauth.Config)
		ok         bool
		text       string
	}{
		"advertised and right":           {advertised: true, iss: func(s string) string { return s }, ok: true},
		"A023 advertised and missing":    {advertised: true, iss: func(string) string { return "" }, text: "the answer does not name its issuer, and this provider always does"},
		"A020 another issuer":            {advertised: true, iss: func(string) string { return "https://evil.example" }, text: "the answer comes from another issuer"},
		"A025 a trailing slash":          {advertised: true, iss: func(s string) string { return s + "/" }, text: "the answer comes from another issuer"},
		"A025 upper-case scheme":         {advertised: true, iss: func(s string) string { return strings.Replace(s, "http", "HTTP", 1) }, text: "the answer comes from another issuer"},
		"A025 encoded twice":             {advertised: true, iss: url.QueryEscape, text: "the answer comes from another issuer"},
		"A343 unadvertised and right":    {iss: func(s string) string { return s }, ok: true},
		"A343 unadvertised and other":    {iss: func(string) string { return "https://evil.example" }, text: "the answer comes from another issuer"},
		"unadvertised and absent":        {iss: func(string) string { return "" }, ok: true},
		"A308 expected by configuration": {iss: func(string) string { return "https://github.example/oauth" }, set: func(c *oauth.Config) { c.Dialect.ResponseIssuer = "https://github.example/oauth" }, ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.set("authorization_response_iss_parameter_supported", tc.advertised)
			fl := f.begin(func(c *oauth.Config) {
				if tc.set != nil {
					tc.set(c)
				}
			})
			for _, params := range []url.Values{{"code": {"c"}}, {"error": {"access_denied"}}} {
				if iss := tc.iss(f.issuer()); iss != "" {
					params.Set("iss", iss)
				}
				_, err := fl.callback(params)
				isError := params.Has("error")
				switch {
				case tc.ok && !isError && err != nil:
					t.Errorf("refused: %v", err)
				case tc.ok && isError && oauth.ProviderCode(err) != "access_denied":
					t.Errorf("the provider's error is lost: %v", err)
				case !tc.ok:
					// CBK-09: the issuer is checked before the error is believed.
					wantCheck(t, err, oauth.CheckResponseIssuer, oauth.FaultBrowser, "")
					if !strings.Contains(err.Error(), tc.text) || oauth.ProviderCode(err) != "" {
						t.Errorf("%v", err)
					}
				}
			}
		})
	}
}

func TestA022_CBK10_AZR08_AnAnswerAtAnotherProvidersCallback(t *testing.T) {
	f := newFake(t)
	fl := f.begin()
	other, err := oauth.New(oauth.Config{Name: "other", Issuer: f.issuer(), ClientID: "client-2", RedirectURI: "http://localhost:8000/auth/other/callback", Scopes: []string{"openid"}, Development: true})
	if err != nil {
		t.Fatal(err)
	}
	cb, err := oauth.ReadCallback(httptest.NewRequest("GET", "/cb?code=c&state="+url.QueryEscape(fl.login.State()), nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Check(t.Context(), fl.login, cb)
	wantCheck(t, err, oauth.CheckEntry, oauth.FaultBrowser, "provider-entry: the answer arrived for another provider, or its configuration has changed (expected a login begun at other as it is configured now, got one begun at fake); sign in again")
}

func TestA239_CBK11_AChangedConfigurationEndsPendingLogins(t *testing.T) {
	f := newFake(t)
	fl := f.begin()
	cfg := f.config()
	cfg.ClientID = "client-2"
	changed, err := oauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cb, err := oauth.ReadCallback(httptest.NewRequest("GET", "/cb?code=c&state="+url.QueryEscape(fl.login.State()), nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = changed.Check(t.Context(), fl.login, cb)
	wantCheck(t, err, oauth.CheckEntry, oauth.FaultBrowser, "")
}

func FuzzReadCallback(f *testing.F) {
	f.Add("code=a&state=b")
	f.Add("code=a&code=b")
	f.Add("error=x;y=%zz")
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{Method: "GET", URL: &url.URL{Path: "/cb", RawQuery: query}}
		cb, err := oauth.ReadCallback(r)
		if err == nil && len(cb.State()) > len(query) {
			t.Fatal("a state longer than the query")
		}
	})
}
