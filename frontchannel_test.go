package wayleave_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/store/storetest"
)

const frontchannel = "/auth/dev/frontchannel-logout"

// frame loads an address of the app in a frame of the provider's page.
func (b *browser) frame(target string) answer {
	b.a.t.Helper()
	return b.do(b.request("GET", target, "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Sec-Fetch-Site", "same-site"))
}

// checkFramed: the answer may stand in a frame of the provider's, of nobody
// else's, is kept nowhere, and is the same whatever has happened.
func checkFramed(t *testing.T, a *app, at answer) {
	t.Helper()
	if at.StatusCode != http.StatusOK || at.body != "<!DOCTYPE html><title>Signed out</title>" {
		t.Errorf("status %d: %s", at.StatusCode, at.body)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; frame-ancestors " + a.idp.Issuer(),
		"X-Frame-Options":         "",
		"Cache-Control":           "no-store",
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
		"Content-Type":            "text/html; charset=utf-8",
	} {
		if got := at.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestLGO14_FrontChannelLogout ends the session that iss and sid name in the
// browser that has it, and tells the provider nothing: anybody can load a frame.
func TestLGO14_FrontChannelLogout(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example", withSessionGrants)
	b, other := a.browser(), a.browser()
	b.signIn("/")
	other.signIn("/")
	named := frontchannel + "?" + url.Values{"iss": {a.idp.Issuer()}, "sid": {idTokenOf(b).SessionID}}.Encode()
	checkFramed(t, a, other.frame(named))
	checkFramed(t, a, a.browser().frame(named))
	if b.user() == "" || other.user() == "" {
		t.Error("another browser's frame ended a session")
	}
	name, id := sessionCookieOf(b)
	thief := a.browser()
	thief.setRaw(name, id)
	at := b.frame(named)
	checkFramed(t, a, at)
	checkLines(t, "the frame", at, name+"=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax")
	if b.user() != "" || thief.user() != "" || other.user() == "" {
		t.Errorf("signed in are: this browser %v, a copy of its cookie %v, another browser %v", b.user() != "", thief.user() != "", other.user() != "")
	}
	if n := a.store.Len("grant"); n != 1 {
		t.Errorf("%d grants are left, want the other browser's: nothing is to be revoked", n)
	}
	checkFramed(t, a, b.frame(named))
	if n := a.idp.Count("revoke"); n != 0 {
		t.Errorf("the provider was asked %d times to revoke", n)
	}
}

// TestA222_FrontChannelRequestsThatMeanNobody: 200 each, and nothing changes.
func TestA222_FrontChannelRequestsThatMeanNobody(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example", twoProviders, withSessionGrants)
	b, mallory := a.browser(), a.browser()
	b.finish(b.callback("/"))
	mallory.finish(mallory.authorizeAs(mallory.beginAt("/"), "grace", true))
	iss, sid := url.QueryEscape(a.idp.Issuer()), idTokenOf(b).SessionID
	for name, target := range map[string]string{
		"A222 no parameters":                  frontchannel,
		"A222 no iss":                         frontchannel + "?sid=" + sid,
		"A222 no sid":                         frontchannel + "?iss=" + iss,
		"A222 an empty sid":                   frontchannel + "?iss=" + iss + "&sid=",
		"A222 an empty iss":                   frontchannel + "?iss=&sid=" + sid,
		"A222 a guessed sid":                  frontchannel + "?iss=" + iss + "&sid=guess",
		"A222 the attacker's own sid":         frontchannel + "?iss=" + iss + "&sid=" + idTokenOf(mallory).SessionID,
		"A222 the subject for the sid":        frontchannel + "?iss=" + iss + "&sid=ada",
		"A222 another issuer":                 frontchannel + "?iss=https%3A%2F%2Fevil.example&sid=" + sid,
		"A222 the issuer with a slash":        frontchannel + "?iss=" + iss + "%2F&sid=" + sid,
		"A222 two sids, the right one first":  frontchannel + "?iss=" + iss + "&sid=" + sid + "&sid=other",
		"A222 two sids, the right one last":   frontchannel + "?iss=" + iss + "&sid=other&sid=" + sid,
		"A222 two of the same sid":            frontchannel + "?iss=" + iss + "&sid=" + sid + "&sid=" + sid,
		"A222 two issuers":                    frontchannel + "?iss=" + iss + "&iss=" + iss + "&sid=" + sid,
		"A222 at another provider's address":  "/auth/second/frontchannel-logout?iss=" + iss + "&sid=" + sid,
		"A222 separated by semicolons":        frontchannel + "?iss=" + iss + ";sid=" + sid,
		"A222 beside what cannot be decoded":  frontchannel + "?iss=" + iss + "&sid=%zz" + sid,
		"A222 names in upper case":            frontchannel + "?ISS=" + iss + "&SID=" + sid,
		"A222 an array, as some servers read": frontchannel + "?iss[]=" + iss + "&sid[]=" + sid,
	} {
		t.Run(name, func(t *testing.T) {
			at := b.frame(target)
			checkFramed(t, a, at)
			if len(at.Header["Set-Cookie"]) > 0 || b.user() == "" || mallory.user() == "" {
				t.Errorf("cookies %q; signed in: %v, %v", setCookies(at), b.user() != "", mallory.user() != "")
			}
		})
	}
	for _, method := range []string{"POST", "HEAD", "PUT"} {
		if at := b.do(b.request(method, frontchannel+"?iss="+iss+"&sid="+sid)); at.StatusCode != http.StatusMethodNotAllowed || b.user() == "" {
			t.Errorf("%s: status %d", method, at.StatusCode)
		}
	}
	checkFramed(t, a, b.frame(frontchannel+"?iss="+iss+"&sid="+sid+"&more=1"))
	if b.user() != "" || mallory.user() == "" {
		t.Error("the right one was to end the session, and that alone")
	}
}

// TestA222_WhileTheStoreIsDown nobody is told that the session has ended.
func TestA222_WhileTheStoreIsDown(t *testing.T) {
	var s *storetest.Faulty
	a := newDirectApp(t, newIDP(t), "https://app.example", withSessionGrants, faulty(&s))
	b := a.browser()
	b.signIn("/")
	named := frontchannel + "?" + url.Values{"iss": {a.idp.Issuer()}, "sid": {idTokenOf(b).SessionID}}.Encode()
	for _, op := range []storetest.Op{storetest.Get, storetest.Delete} {
		s.Fail(errDown, op)
		if at := b.frame(named); at.StatusCode != http.StatusServiceUnavailable || at.Header.Get("Retry-After") == "" || len(at.Cookies()) > 0 {
			t.Errorf("%v fails: status %d, cookies %q", op, at.StatusCode, setCookies(at))
		}
		s.Heal()
	}
	checkFramed(t, a, b.frame(named))
	if b.user() != "" {
		t.Error("the session lives on")
	}
}

// TestLGO14_AProviderThatNoPolicyCanName may not frame the answer at all.
func TestLGO14_AProviderThatNoPolicyCanName(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example", func(c *wayleave.Config) {
		p := devProvider(newIDP(t))
		p.Name, p.Issuer = "six", "https://[2001:db8::1]"
		c.Providers = append(c.Providers, p)
	})
	at := a.browser().frame("/auth/six/frontchannel-logout")
	if got := at.Header.Get("Content-Security-Policy"); got != "default-src 'none'; frame-ancestors 'none'" {
		t.Errorf("policy %q", got)
	}
}
