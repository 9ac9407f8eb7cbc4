package trace_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/trace"
)

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestHandlerAnswersItsPagesAndNothingElse(t *testing.T) {
	r := trace.NewRecorder(0)
	record(r, goodLogin("q3V0b1lT"))
	tests := []struct {
		base, method, path string
		status             int
	}{
		{"/trace", "GET", "/trace/", 200},
		{"/trace", "HEAD", "/trace/", 200},
		{"/trace", "GET", "/trace", 200},
		{"/trace/", "GET", "/trace/", 200},
		{"/trace", "GET", "/trace/q3V0b1lT", 200},
		{"/trace", "GET", "/trace/q3V0b1lT/json", 200},
		{"", "GET", "/", 200},
		{"/", "GET", "/q3V0b1lT", 200},
		{"/trace", "GET", "/trace/unknown", 404},
		{"/trace", "GET", "/trace/unknown/json", 404},
		{"/trace", "GET", "/trace/q3V0b1lT/", 404},
		{"/trace", "GET", "/trace/q3V0b1lT/other", 404},
		{"/trace", "GET", "/q3V0b1lT", 404},
		{"/trace", "GET", "/", 404},
		{"/trace", "POST", "/trace/", 405},
		{"/trace", "DELETE", "/trace/q3V0b1lT", 405},
		{"/trace", "PUT", "/trace/q3V0b1lT/json", 405},
	}
	for _, test := range tests {
		w := get(r.Handler(test.base), test.method, test.path)
		if w.Code != test.status {
			t.Errorf("base %q: %s %s is %d, want %d", test.base, test.method, test.path, w.Code, test.status)
		}
		if w.Code == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s does not say what is allowed", test.method, test.path)
		}
	}
}

func TestPagesRunNoScriptAndUseOnlyTheirOwnStyle(t *testing.T) {
	r := trace.NewRecorder(0)
	nonce, _ := nonceRefused("nonce")
	record(r, refreshedLogin("good"), nonce)
	h := r.Handler("/trace")
	for _, path := range []string{"/trace/", "/trace/good", "/trace/nonce", "/trace/unknown"} {
		w := get(h, "GET", path)
		page := w.Body.String()
		sum := sha256.Sum256([]byte(regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)[1]))
		policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
		if got := w.Header().Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: policy %q, want %q", path, got, policy)
		}
		for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		for _, forbidden := range []string{`<script`, ` style=`, ` onclick`, `javascript:`, `http-equiv`, `<img`, `<link`, `<form`} {
			if strings.Contains(strings.ToLower(page), forbidden) {
				t.Errorf("%s has %q", path, forbidden)
			}
		}
		for _, needed := range []string{`<html lang="en">`, `name="viewport"`, `prefers-color-scheme: dark`, `<h1`, `<main>`} {
			if !strings.Contains(page, needed) {
				t.Errorf("%s lacks %q", path, needed)
			}
		}
	}
}

func TestLoginPageTellsTheStory(t *testing.T) {
	r := trace.NewRecorder(0)
	nonce, _ := nonceRefused("nonce")
	record(r, goodLogin("good"), nonce)
	h := r.Handler("/trace")
	tests := []struct {
		path           string
		wanted, absent []string
	}{
		{"/trace/", []string{`href="/trace/good"`, `href="/trace/nonce"`, "Signed in", "This login was refused", "Reload", "The ID token was made for another login."}, nil},
		{"/trace/good", []string{"Signed in", "Step 1", "Step 2", "Step 3", "Step 4", "<strong>API</strong>", "mara@example.com", "secret:1a2b3c4d", `href="/trace/good/json"`, "26 checks passed"}, []string{"✗", "Not so"}},
		{"/trace/nonce", []string{"This login was refused", "Not so: The ID token was made for this very login.", "secret:deadbeef", "What this stops", "20 checks passed"}, []string{"Step 4", "<strong>API</strong>"}},
	}
	for _, test := range tests {
		page := get(h, "GET", test.path).Body.String()
		for _, s := range test.wanted {
			if !strings.Contains(page, s) {
				t.Errorf("%s lacks %q", test.path, s)
			}
		}
		for _, s := range test.absent {
			if strings.Contains(page, s) {
				t.Errorf("%s has %q", test.path, s)
			}
		}
	}
}

func TestAnEmptyListSaysWhatToDo(t *testing.T) {
	page := get(trace.NewRecorder(0).Handler("/trace"), "GET", "/trace/").Body.String()
	if !strings.Contains(page, "No login yet. Sign in to the app, then reload this page.") {
		t.Error(page)
	}
}

func TestTheListShowsWhatBelongsToNoLogin(t *testing.T) {
	r := trace.NewRecorder(0)
	l := newLogin("")
	l.step = oauth.StepCallback
	l.refuse(refusal(oauth.StepCallback, oauth.CheckState))
	record(r, l)
	page := get(r.Handler("/trace"), "GET", "/trace/").Body.String()
	if !strings.Contains(page, "1 check refused") || !strings.Contains(page, "Outside of any login") {
		t.Error(page)
	}
}

func TestJSONPage(t *testing.T) {
	r := trace.NewRecorder(0)
	record(r, goodLogin("good"))
	w := get(r.Handler("/trace"), "GET", "/trace/good/json")
	var s trace.Story
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || s.Login != "good" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%v, %+v, %v", err, s, w.Header())
	}
}

// hostileLogin has the value everywhere a provider, a browser or a
// configuration can put one.
func hostileLogin(value string) *login {
	l := newLogin("hostile")
	l.provider = value
	l.step = oauth.StepAuthorize
	l.add(oauth.Sent{Is: l.is(0), URL: value, Params: []oauth.Param{plain(value, value)}})
	l.returned(0, plain("error", value), plain(value, value))
	l.refuse(&oauth.Error{Step: oauth.StepCallback, Check: oauth.Check(value), Reason: value, Expected: value, Got: value, Cure: value,
		Err: &oauth.ProviderError{Code: value, Description: value}})
	l.ask(oauth.Purpose(value), value, value, plain(value, value))
	l.answer(oauth.Purpose(value), 500, 0, masked(value, value))
	l.add(oauth.Established{Is: l.is(0), What: value, Params: []oauth.Param{plain(value, value)}})
	return l
}

var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</style><style>*{display:none}`,
	`</code></details><h1>Signed in</h1>`, `javascript:alert(1)`, "\x1b]0;owned\x07\x1b[2J", "line\r\nSet-Cookie: a=b",
	"\u202egnp.exe\u2066", "a\u2028b\u0085c\u200b", "\xff\xfe\x00", "{{.}}", strings.Repeat("木", 5000),
}

func checkHostile(t *testing.T, value string) {
	t.Helper()
	r := trace.NewRecorder(1)
	record(r, hostileLogin(value))
	s := r.Logins()[0]
	clean := func(form, got string) {
		for _, c := range got {
			if c != '\n' && c != '\t' && unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Fatalf("%s has the character %U of %q", form, c, value)
			}
		}
	}
	clean("text", text(t, s, trace.TextOptions{Explain: true}))
	tame := trace.NewRecorder(1)
	record(tame, hostileLogin(strings.NewReplacer("<", "x", ">", "x", `"`, "x", "'", "x").Replace(value)))
	for _, path := range []string{"/trace/", "/trace/hostile", "/trace/hostile/json"} {
		got := get(r.Handler("/trace"), "GET", path).Body.String()
		clean(path, got)
		// A value that cannot be markup makes the same page.
		want := get(tame.Handler("/trace"), "GET", path).Body.String()
		for _, c := range []string{"<", ">", `"`} {
			if !strings.HasSuffix(path, "/json") && strings.Count(got, c) != strings.Count(want, c) {
				t.Errorf("%s: %q became markup", path, value)
			}
		}
	}
}

func TestCBK14_HostileValuesAreShownHarmlessly(t *testing.T) {
	for _, value := range hostile {
		checkHostile(t, value)
	}
}

func TestCBK14_HostileValuesAreEscapedAndNotLost(t *testing.T) {
	r := trace.NewRecorder(1)
	record(r, hostileLogin(`<b onclick="x">`))
	page := get(r.Handler("/trace"), "GET", "/trace/hostile").Body.String()
	if !strings.Contains(page, `&lt;b onclick=&#34;x&#34;&gt;`) {
		t.Error("the value cannot be read")
	}
}

func TestLinksToStrangeIdsStayInPlace(t *testing.T) {
	for _, id := range []string{`a/../../b`, `"><script>`, `javascript:alert(1)`, `a?b#c`, `%2e%2e`} {
		r := trace.NewRecorder(1)
		l := newLogin(id)
		l.authorize()
		record(r, l)
		h := r.Handler("/trace")
		link := regexp.MustCompile(`class="row open" href="([^"]*)"`).FindStringSubmatch(get(h, "GET", "/trace/").Body.String())
		if link == nil || !strings.HasPrefix(link[1], "/trace/") {
			t.Fatalf("%q: link %q", id, link)
		}
		if w := get(h, "GET", link[1]); w.Code != 200 {
			t.Errorf("%q: %s is %d", id, link[1], w.Code)
		}
	}
}

func FuzzHostileValues(f *testing.F) {
	for _, value := range hostile {
		f.Add(value)
	}
	f.Fuzz(checkHostile)
}
