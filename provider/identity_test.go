package provider_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/vendorfakes"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// Apps key their users by these: they never change.
func TestPOL01_IDsAreStable(t *testing.T) {
	for _, tt := range []struct{ issuer, subject, want string }{
		{"https://accounts.google.com", "110169484474386276334", "mfECG8-i9fZceE88C0i97g"},
		{"https://github.com", "583231", "viH7IEtDBbzDFhMHDqgUXQ"},
		{"", "", "hhBvl24-BNPhSMSd8vPfEA"},
	} {
		wantEqual(t, "ID", provider.IDOf(tt.issuer, tt.subject), tt.want)
	}
}

func TestPOL02_IDsOfDifferentAccountsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, pair := range [][2]string{
		{"https://a.example", "1"}, {"https://a.example/", "1"}, {"https://a.example", "/1"}, {"https://a.example1", ""}, {"", "https://a.example1"},
		{"https://a.example/x", "1"}, {"https://A.example", "1"}, {"https://a.example", "01"}, {"https://a.example", "1 "}, {"https://a.example", "1\x00"},
		{"https://a.example\x00", "1"}, {"é", ""}, {"e\u0301", ""},
	} {
		id := provider.IDOf(pair[0], pair[1])
		if other, taken := seen[id]; taken {
			t.Errorf("%q and %s have one ID", pair, other)
		}
		seen[id] = fmt.Sprintf("%q", pair)
		wantEqual(t, "length", len(id), 22)
	}
}

func TestA200_USR10_EmailIsVerifiedOnlyByTheRule(t *testing.T) {
	const path = "userinfo.email_verified"
	for _, tt := range []struct {
		name, verified string
		rule           provider.EmailRule
		want           bool
	}{
		{"true", `true`, provider.EmailRule{Verified: []string{path}}, true},
		{"false", `false`, provider.EmailRule{Verified: []string{path}}, false},
		{"null", `null`, provider.EmailRule{Verified: []string{path}}, false},
		{"text", `"true"`, provider.EmailRule{Verified: []string{path}}, false},
		{"one", `1`, provider.EmailRule{Verified: []string{path}}, false},
		{"an object", `{}`, provider.EmailRule{Verified: []string{path}}, false},
		{"text where that is said", `"true"`, provider.EmailRule{Verified: []string{path}, AlsoTrue: []string{"true"}}, true},
		{"other text where that is said", `"TRUE"`, provider.EmailRule{Verified: []string{path}, AlsoTrue: []string{"true"}}, false},
		{"one where that is said", `1`, provider.EmailRule{Verified: []string{path}, AlsoTrue: []string{"1"}}, true},
		{"zero where one is said", `0`, provider.EmailRule{Verified: []string{path}, AlsoTrue: []string{"1"}}, false},
		{"one point zero where one is said", `1.0`, provider.EmailRule{Verified: []string{path}, AlsoTrue: []string{"1"}}, false},
		{"false where text is said", `false`, provider.EmailRule{Verified: []string{path}, AlsoTrue: []string{"true", ""}}, false},
		{"nothing where text is said", `null`, provider.EmailRule{Verified: []string{path}, AlsoTrue: []string{"true", ""}}, false},
		{"no rule", `true`, provider.EmailRule{}, false},
		{"always", `null`, provider.EmailRule{AlwaysVerified: true}, true},
		{"always, but for a flag", `false`, provider.EmailRule{AlwaysVerified: true, Verified: []string{path}}, false},
		{"two, of which one is false", `true`, provider.EmailRule{Verified: []string{path, "userinfo.other"}}, false},
	} {
		t.Run("A200 "+tt.name, func(t *testing.T) {
			tt.rule.Address = "userinfo.email"
			id, err := plain(t, provider.Profile{Subject: "userinfo.sub", Emails: []provider.EmailRule{tt.rule}},
				`{"sub":"1","email":"victim@corp.example","email_verified":`+tt.verified+`,"other":false}`)
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "e-mail", id.Email, "victim@corp.example")
			wantEqual(t, "verified", id.EmailVerified, tt.want)
		})
	}
}

func TestA200_EmailsOfSeveralPlaces(t *testing.T) {
	rules := []provider.EmailRule{
		{Address: "userinfo.email", Verified: []string{"userinfo.email_verified"}},
		{Address: "userinfo.work.email", Verified: []string{"userinfo.work.verified"}},
	}
	for _, tt := range []struct {
		name, userInfo, want string
		verified             bool
	}{
		{"the first verified one", `"email":"a@x.example","email_verified":false,"work":{"email":"b@x.example","verified":true}`, "b@x.example", true},
		{"else the first", `"email":"a@x.example","work":{"email":"b@x.example"}`, "a@x.example", false},
		{"A200 one is not vouched for by the other", `"email":"a@x.example","work":{"verified":true}`, "a@x.example", false},
		{"A202 one that is none is passed over", `"email":"a@x.example@evil.example","email_verified":true,"work":{"email":"b@x.example"}`, "b@x.example", false},
		{"A210 a user name is none", `"email":"admin","email_verified":true`, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, err := plain(t, provider.Profile{Subject: "userinfo.sub", Emails: rules}, `{"sub":"1",`+tt.userInfo+`}`)
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "e-mail", id.Email, tt.want)
			wantEqual(t, "verified", id.EmailVerified, tt.verified)
		})
	}
}

// openIDLogin takes the steps at a provider with metadata whose ID token and
// userinfo say what they are told to say.
func openIDLogin(t *testing.T, claims, userInfo string, change ...func(*provider.Config)) *login {
	t.Helper()
	r := record(t, map[string]answer{"https://id.example/userinfo": {body: userInfo}})
	r.keys("https://id.example/keys")
	r.set("https://id.example/.well-known/openid-configuration", answer{body: marshal(t, map[string]string{
		"issuer": r.at("https://id.example"), "authorization_endpoint": r.at("https://id.example/authorize"), "token_endpoint": r.at("https://id.example/token"),
		"userinfo_endpoint": r.at("https://id.example/userinfo"), "jwks_uri": r.at("https://id.example/keys"),
	})})
	c := provider.Config{Name: "acme", Issuer: "https://id.example"}
	for _, f := range change {
		f(&c)
	}
	l := r.login(c)
	idToken := r.idToken(r.at("https://id.example"), l.url.Query().Get("nonce"), claims)
	r.set("https://id.example/token", answer{body: marshal(t, map[string]any{"access_token": "at-1", "token_type": "Bearer", "id_token": idToken})})
	return l
}

func TestUSR05_A296_UserInfoNeverOverridesTheIDToken(t *testing.T) {
	claims := `{"sub":"u-1","email":"mara@home.example","email_verified":true,"name":"Mara","acr":"1"}`
	t.Run("USR-05 it only adds", func(t *testing.T) {
		l := openIDLogin(t, claims, `{"sub":"u-1","iss":"https://evil.example","aud":"evil","acr":"9","email":"victim@corp.example","email_verified":true,"picture":"https://i.example/p"}`)
		id, err := l.identifyWithoutBrowser()
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "issuer", id.Issuer, l.p.Realm())
		wantEqual(t, "subject", id.Subject, "u-1")
		wantEqual(t, "e-mail", id.Email, "mara@home.example")
		wantEqual(t, "picture", id.Picture, "https://i.example/p")
		wantEqual(t, "acr of the ID token", id.Claims.Text("id_token.acr"), "1")
		wantEqual(t, "acr elsewhere", id.Claims.Text("userinfo.acr"), "9")
	})
	for name, userInfo := range map[string]string{
		"A296 another person": `{"sub":"u-2","email":"victim@corp.example","email_verified":true}`,
		"A296 nobody":         `{"email":"victim@corp.example","email_verified":true}`,
		"A296 a number":       `{"sub":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			l := openIDLogin(t, claims, userInfo)
			_, err := l.identifyWithoutBrowser()
			wantEqual(t, "check", oauth.CheckOf(err), oauth.CheckUserInfoSubject)
			wantEqual(t, "fault", oauth.FaultOf(err), oauth.FaultProvider)
		})
	}
	t.Run("A200 an address is not vouched for by the other place", func(t *testing.T) {
		l := openIDLogin(t, `{"sub":"u-1","email":"victim@corp.example"}`, `{"sub":"u-1","email_verified":true}`)
		id, err := l.identifyWithoutBrowser()
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "e-mail", id.Email, "victim@corp.example")
		wantEqual(t, "verified", id.EmailVerified, false)
	})
}

func TestUSR09_EmptyClaimsAreAbsent(t *testing.T) {
	id, err := plain(t, provider.Profile{Subject: "userinfo.sub", Name: []string{"userinfo.name", "userinfo.login"}, Picture: []string{"userinfo.picture"}, Emails: []provider.EmailRule{{Address: "userinfo.email", AlwaysVerified: true}}},
		`{"sub":"1","name":"","login":"mara","email":"","picture":null}`)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "name", id.Name, "mara")
	wantEqual(t, "e-mail", id.Email, "")
	wantEqual(t, "verified", id.EmailVerified, false)
}

func TestIdentifyRefuses(t *testing.T) {
	id := provider.Profile{Subject: "userinfo.id"}
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + `1` + strings.Repeat(`}`, n) }
	const nobody = "profile: the provider does not tell which account this is (expected userinfo.id, got nothing); " +
		"ask for a scope that includes the profile, or set Subject to where the account's permanent identifier is, such as userinfo.id"
	for _, tt := range []struct{ name, userInfo, want string }{
		{"A209 a fraction", `{"id":1.5}`, nobody},
		{"A209 an exponent", `{"id":5.83231e5}`, nobody},
		{"A209 a sign", `{"id":-1}`, nobody},
		{"A209 a list", `{"id":["1"]}`, nobody},
		{"A209 null", `{"id":null}`, nobody},
		{"A209 an empty string", `{"id":""}`, nobody},
		{"an error with status 200", `{"errors":[{"title":"Forbidden"}]}`, nobody},
		{"A209 300 characters", `{"id":"` + strings.Repeat("a", 300) + `"}`, "profile: the account's identifier is too long (expected at most 255 bytes, got more)"},
		{"answers that nest too deep", `{"id":"1","x":` + deep(31) + `}`, "profile: the provider's answers cannot be read together: JSON refused at byte 227: nested too deeply"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plain(t, id, tt.userInfo)
			wantRefused(t, err, oauth.CheckProfile, oauth.FaultProvider, tt.want)
		})
	}
	t.Run("positive twin", func(t *testing.T) {
		got, err := plain(t, id, `{"id":"`+strings.Repeat("a", 255)+`","x":`+deep(29)+`}`)
		if err != nil || len(got.Subject) != 255 {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestRefusalsArePartOfTheStory(t *testing.T) {
	r := record(t, map[string]answer{
		"https://vendor.example/token": {body: `{"access_token":"at-1","token_type":"Bearer"}`},
		"https://vendor.example/me":    {body: `{}`},
	})
	l := r.login(provider.Config{Preset: plainPreset(provider.Profile{Subject: "userinfo.id"})})
	if _, err := l.identifyWithoutBrowser(); err == nil {
		t.Fatal("nobody is somebody")
	}
	if times, passed := l.checked(oauth.CheckProfile); times != 1 || passed {
		t.Errorf("told %d times about the profile, passed: %v", times, passed)
	}
}

func TestCallsAreMadeInOrderAndOptionalOnesMayBeRefused(t *testing.T) {
	profile := provider.Profile{
		Header: map[string]string{"X-Version": "7"},
		Calls: []provider.Call{
			{Name: "first", URL: "https://vendor.example/first", Optional: true},
			{Name: "second", URL: "second", Method: "POST"},
		},
		Subject: "second.id", Name: []string{"first.name", "userinfo.name"},
	}
	for _, tt := range []struct {
		name          string
		first, second answer
		want          string // name, if the login works
		check         oauth.Check
		fault         oauth.Fault
	}{
		{"both answer", answer{body: `{"name":"One"}`}, answer{body: `{"id":"2"}`}, "One", "", 0},
		{"the optional one refuses", answer{status: 403, body: `{}`}, answer{body: `{"id":"2"}`}, "Zero", "", 0},
		{"the optional one is gone", answer{status: 404, kind: "text/html", body: `no`}, answer{body: `{"id":"2"}`}, "Zero", "", 0},
		{"the optional one is out of order", answer{status: 503, body: `{}`}, answer{body: `{"id":"2"}`}, "", oauth.CheckProfile, oauth.FaultUnavailable},
		{"the optional one asks to wait", answer{status: 429, body: `{}`}, answer{body: `{"id":"2"}`}, "", oauth.CheckProfile, oauth.FaultUnavailable},
		{"the other refuses", answer{body: `{"name":"One"}`}, answer{status: 403, body: `{}`}, "", oauth.CheckProfile, oauth.FaultProvider},
		{"the other is out of order", answer{body: `{"name":"One"}`}, answer{status: 500, body: `{}`}, "", oauth.CheckProfile, oauth.FaultUnavailable},
		{"the other is no JSON", answer{body: `{"name":"One"}`}, answer{kind: "text/html", body: `<p>`}, "", oauth.CheckProfile, oauth.FaultProvider},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := record(t, map[string]answer{
				"https://vendor.example/token":  {body: `{"access_token":"at-1","token_type":"Bearer"}`},
				"https://vendor.example/me":     {body: `{"name":"Zero"}`},
				"https://vendor.example/first":  tt.first,
				"https://vendor.example/second": tt.second,
			})
			id, err := r.login(provider.Config{Preset: plainPreset(profile)}).identifyWithoutBrowser()
			if tt.want == "" {
				wantEqual(t, "check", oauth.CheckOf(err), tt.check)
				wantEqual(t, "fault", oauth.FaultOf(err), tt.fault)
				if e, ok := errors.AsType[*oauth.Error](err); !ok || e.Expected != "status 200 with application/json" {
					t.Errorf("error %v is not that of the call", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "name", id.Name, tt.want)
			for where, method := range map[string]string{"me": "GET", "first": "GET", "second": "POST"} {
				got := r.got("https://vendor.example/" + where)
				wantEqual(t, "method of "+where, got.Method, method)
				wantEqual(t, "header of "+where, got.Header.Get("X-Version"), "7")
				wantEqual(t, "token of "+where, got.Header.Get("Authorization"), "Bearer at-1")
			}
		})
	}
}

func TestPOL01_OneAddressAtTwoProvidersIsTwoAccounts(t *testing.T) {
	g := vendorfakes.NewGoogle(t)
	h := vendorfakes.NewGitHub(t)
	h.Change(func(b *vendorfakes.GitHubBehaviour) {
		b.Account.ID = "110169484474386276334"
		b.Emails = []vendorfakes.GitHubEmail{{Email: "mara@gmail.example", Primary: true, Verified: true}}
	})
	one, other := begin(t, atGoogle(g)).mustIdentify(), begin(t, atGitHub(h)).mustIdentify()
	wantEqual(t, "address", one.Email, other.Email)
	wantEqual(t, "subject", one.Subject, other.Subject)
	if one.ID == other.ID {
		t.Error("they have one ID")
	}
}
