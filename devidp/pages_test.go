package devidp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/devidp"
)

// policy checks a page's headers and returns its Content-Security-Policy.
func policy(t *testing.T, r answer) string {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type":           "text/html; charset=utf-8",
		"Cache-Control":          "no-store",
		"Referrer-Policy":        "no-referrer",
		"X-Content-Type-Options": "nosniff",
	} {
		equal(t, name, r.header.Get(name), want)
	}
	_, style, _ := strings.Cut(r.body, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	hash := sha256.Sum256([]byte(style))
	csp := r.header.Get("Content-Security-Policy")
	for _, directive := range []string{
		"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'",
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'",
	} {
		if !strings.Contains(csp, directive+";") {
			t.Errorf("the policy lacks %s", directive)
		}
	}
	if strings.Contains(r.body, "<script") || strings.Contains(r.body, "style=") || strings.Contains(r.body, " on") && strings.Contains(r.body, "onclick") {
		t.Error("the page needs script or inline style")
	}
	_, formAction, _ := strings.Cut(csp, "form-action ")
	return formAction
}

func TestPagesAllowFormsToLeadBackToTheClientAlone(t *testing.T) {
	a := newApp(t)
	v := visit{t, a, newBrowser(t)}
	signIn, at := v.open(a.authorization())
	equal(t, "sign-in form-action", policy(t, signIn), "'self' http://localhost:8000")
	v.press("/signin", url.Values{"interaction": {at.Query().Get("interaction")}, "person": {"zoe"}})
	consent, _ := v.open(a.idp.Issuer() + "/consent?" + at.RawQuery)
	equal(t, "consent form-action", policy(t, consent), "'self' http://localhost:8000")

	// CSP cannot name an IPv6 address.
	six, _ := v.open(a.authorization("redirect_uri", "http://[::1]:8000/cb"))
	equal(t, "form-action for IPv6", policy(t, six), "'self' http://*:8000")

	equal(t, "front page form-action", policy(t, a.get("/")), "'self'")
	problem := a.get("/authorize")
	equal(t, "problem form-action", policy(t, problem), "'self'")
	equal(t, "problem status", problem.status, http.StatusBadRequest)
}

func TestConsentSpeaksHuman(t *testing.T) {
	a := newApp(t, func(o *devidp.Options) {
		o.Label = "Google stand-in"
		o.Clients = []devidp.Client{{ID: "finance-tracker", Secret: "s", Name: "Finance <Tracker>"}}
	})
	consent := func(scope, person string, pairs ...string) string {
		v := visit{t, a, newBrowser(t)}
		_, at := v.open(a.authorization(append(pairs, "scope", scope)...))
		v.press("/signin", url.Values{"interaction": {at.Query().Get("interaction")}, "person": {person}})
		page, _ := v.open(a.idp.Issuer() + "/consent?" + at.RawQuery)
		return page.body
	}
	for scope, want := range map[string]string{
		"openid":               "wants to know who you are",
		"openid email":         "wants to access your email",
		"openid profile email": "wants to access your email and profile",
		allScope:               "wants to access your email, profile and transactions",
	} {
		equal(t, scope, heading(consent(scope, "ada")), "<strong>Finance &lt;Tracker&gt;</strong> "+want)
	}
	page := consent(allScope, "zoe", "access_type", "offline")
	for _, text := range []string{
		"Google stand-in", "Zoë O’Neil &amp; Søn", "zoe.o&#39;neil+bank@example.com", "Use another account", ">Allow<", ">Deny<",
		"See your e-mail address", "See your name and picture", "See your accounts and transactions", "Keep this access while you are away",
		"You return to http://localhost:8000", `<html lang="en">`, `name="viewport"`,
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
	if strings.Contains(consent("openid", "ada"), "while you are away") {
		t.Error("the page speaks of lasting access that nobody asked for")
	}
}

func TestTheSignInCookie(t *testing.T) {
	for issuer, prefix := range map[string]string{
		"http://127.0.0.1:9000":  "devidp-",
		"https://id.example.com": "__Host-devidp-",
	} {
		idp, err := devidp.New(devidp.Options{Issuer: issuer})
		if err != nil {
			t.Fatal(err)
		}
		a := &app{t: t, idp: idp}
		ask := func(method, path, body string) *http.Response {
			request, err := http.NewRequest(method, issuer+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return record(idp, request).Result()
		}
		begun := ask("GET", strings.TrimPrefix(a.authorization(), issuer), "")
		_, id, _ := strings.Cut(begun.Header.Get("Location"), "=")
		signedIn := ask("POST", "/signin", "person=ada&interaction="+id)
		if len(signedIn.Cookies()) != 1 {
			t.Fatalf("%d cookies", len(signedIn.Cookies()))
		}
		c := signedIn.Cookies()[0]
		equal(t, "prefix", c.Name[:len(c.Name)-8], prefix)
		equal(t, "HttpOnly", c.HttpOnly, true)
		equal(t, "SameSite", c.SameSite, http.SameSiteLaxMode)
		equal(t, "Secure", c.Secure, strings.HasPrefix(issuer, "https"))
		equal(t, "Path", c.Path, "/")
		equal(t, "Domain", c.Domain, "")
	}
}

func TestACookieThatComesTwiceIsNotBelieved(t *testing.T) {
	a := newApp(t)
	v := visit{t, a, newBrowser(t)}
	_, at := v.open(a.authorization())
	v.press("/signin", url.Values{"interaction": {at.Query().Get("interaction")}, "person": {"ada"}})
	cookie := v.client.Jar.Cookies(at)[0].String()
	path := strings.TrimPrefix(a.authorization("prompt", "none"), a.idp.Issuer())
	once := a.arrive(a.get(path, "Cookie", cookie).header.Get("Location"), nil)
	equal(t, "once", once.Get("error"), "consent_required")
	twice := a.arrive(a.get(path, "Cookie", cookie+"; "+cookie).header.Get("Location"), nil)
	equal(t, "twice", twice.Get("error"), "login_required")
}
