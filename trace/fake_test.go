package trace_test

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/trace"
)

// login makes the events of one login as package oauth and the web layer do.
type login struct {
	id       string
	provider string
	now      time.Time
	step     oauth.Step
	events   []oauth.Event
}

const (
	providerURL = "https://accounts.example.com"
	redirectURI = "http://localhost:8000/auth/google/callback"
)

func newLogin(id string) *login {
	return &login{id: id, provider: "google", now: time.Date(2026, 3, 2, 14, 3, 21, 0, time.UTC)}
}

func (l *login) is(after time.Duration) oauth.About {
	l.now = l.now.Add(after)
	return oauth.About{Time: l.now, Login: l.id, Provider: l.provider, Step: l.step}
}

func (l *login) add(ev oauth.Event) { l.events = append(l.events, ev) }

func (l *login) pass(c oauth.Check, value string) {
	l.add(oauth.Checked{Is: l.is(time.Millisecond), Check: c, Expected: value, Got: value})
}

func (l *login) refuse(e *oauth.Error) error {
	l.add(oauth.Checked{Is: l.is(time.Millisecond), Check: e.Check, Expected: e.Expected, Got: e.Got, Err: e})
	return e
}

func plain(name, value string) oauth.Param { return oauth.Param{Name: name, Value: value} }
func masked(name, value string) oauth.Param {
	return oauth.Param{Name: name, Value: value, Secret: true}
}

func (l *login) ask(p oauth.Purpose, method, url string, params ...oauth.Param) {
	l.add(oauth.Requested{Is: l.is(time.Millisecond), Purpose: p, Method: method, URL: url, Params: params})
}

func (l *login) answer(p oauth.Purpose, status int, took time.Duration, params ...oauth.Param) {
	l.add(oauth.Answered{Is: l.is(took), Purpose: p, Status: status, Took: took, Params: params})
}

// during makes events of another step, as metadata and keys are.
func (l *login) during(s oauth.Step, f func()) {
	before := l.step
	l.step = s
	f()
	l.step = before
}

func (l *login) discovery() {
	l.during(oauth.StepConfigure, func() {
		l.ask(oauth.ForDiscovery, "GET", providerURL+"/.well-known/openid-configuration")
		l.pass(oauth.CheckDiscoveryIssuer, providerURL)
		l.answer(oauth.ForDiscovery, 200, 84*time.Millisecond)
	})
}

func (l *login) authorize() {
	l.step = oauth.StepAuthorize
	l.add(oauth.Sent{Is: l.is(time.Millisecond), URL: providerURL + "/o/oauth2/v2/auth", Params: []oauth.Param{
		plain("access_type", "offline"), plain("client_id", "finance-tracker.apps.example.com"),
		plain("code_challenge", "9i9ycKgr8l30nDMhkOO8qythJFCaWmxKSrjXbSegVlQ"), plain("code_challenge_method", "S256"),
		masked("nonce", "secret:90f1d0aa"), plain("prompt", "consent"), plain("redirect_uri", redirectURI),
		plain("response_type", "code"), plain("scope", "openid email profile"), masked("state", "secret:c01d2f3e"),
	}})
}

func (l *login) returned(after time.Duration, params ...oauth.Param) {
	l.step = oauth.StepCallback
	l.add(oauth.Returned{Is: l.is(after), Params: params})
}

func (l *login) comesBack() {
	l.returned(9*time.Second, masked("code", "secret:77aa01b2"), plain("iss", providerURL), masked("state", "secret:c01d2f3e"))
	l.pass(oauth.CheckQuery, "each parameter once")
	l.pass(oauth.CheckState, "sealed by this app")
	l.pass(oauth.CheckStateAge, "9s")
}

func (l *login) callback() {
	l.comesBack()
	l.pass(oauth.CheckBrowser, "the browser that began the login")
	l.pass(oauth.CheckSingleUse, "not used before")
	l.pass(oauth.CheckEntry, "google")
	l.pass(oauth.CheckResponseIssuer, providerURL)
	l.pass(oauth.CheckProviderAnswer, "a code")
}

var tokens = []oauth.Param{
	masked("access_token", "secret:1a2b3c4d"), plain("token_type", "Bearer"), masked("refresh_token", "secret:5e6f7a8b"),
	plain("expires", "2026-03-02T15:03:30Z"), plain("scope", "openid email profile"), masked("id_token", "secret:0badcafe"),
}

func (l *login) exchange() {
	l.step = oauth.StepTokens
	l.ask(oauth.ForTokens, "POST", "https://oauth2.example.com/token", masked("code", "secret:77aa01b2"), masked("code_verifier", "secret:e4d909c2"),
		plain("grant_type", "authorization_code"), plain("redirect_uri", redirectURI), plain("(client authentication)", "client_secret_basic"))
	l.pass(oauth.CheckTokenHTTP, "status 200 with application/json")
	l.pass(oauth.CheckTokenAnswer, "an access token")
	l.pass(oauth.CheckTokenType, "Bearer")
	l.answer(oauth.ForTokens, 200, 143*time.Millisecond, tokens[:5]...)
	l.pass(oauth.CheckIDToken, "a signed compact JWT")
	l.pass(oauth.CheckAlgorithm, "RS256")
	l.during(oauth.StepConfigure, func() {
		l.ask(oauth.ForKeys, "GET", providerURL+"/oauth2/v3/certs")
		l.answer(oauth.ForKeys, 200, 31*time.Millisecond)
		l.add(oauth.Established{Is: l.is(0), What: "the provider's key set has 2 keys that verify signatures"})
	})
	l.pass(oauth.CheckKey, "kid 7c0b")
	l.pass(oauth.CheckSignature, "RS256")
	l.pass(oauth.CheckIssuer, providerURL)
	l.pass(oauth.CheckSubject, "110169484474386276334")
	l.pass(oauth.CheckAudience, "finance-tracker.apps.example.com")
	l.pass(oauth.CheckExpiry, "2026-03-02T15:03:30Z")
	l.pass(oauth.CheckIssuedAt, "2026-03-02T14:03:30Z")
}

func (l *login) verified() {
	l.exchange()
	l.pass(oauth.CheckNonce, "secret:90f1d0aa")
	l.pass(oauth.CheckTokenHash, "secret:8d11c0de")
	l.pass(oauth.CheckScope, "openid email profile")
	l.add(oauth.Established{Is: l.is(time.Millisecond), What: "the code was exchanged for tokens", Params: tokens})
}

func (l *login) use() {
	l.step = oauth.StepUse
	l.ask(oauth.ForUserInfo, "GET", "https://openidconnect.example.com/v1/userinfo", masked("Authorization", "Bearer secret:1a2b3c4d"))
	l.answer(oauth.ForUserInfo, 200, 52*time.Millisecond)
	l.pass(oauth.CheckUserInfoSubject, "110169484474386276334")
	l.add(oauth.Established{Is: l.is(0), What: "the provider told who the user is", Params: []oauth.Param{
		plain("sub", "110169484474386276334"), plain("email", "mara@example.com"), plain("email_verified", "true"), plain("name", "Mara Lind")}})
	l.callAPI("secret:1a2b3c4d")
}

func (l *login) callAPI(token string) {
	l.step = oauth.StepUse
	l.ask(oauth.ForAPI, "GET", "https://api.example.com/v1/transactions", masked("Authorization", "Bearer "+token))
	l.answer(oauth.ForAPI, 200, 18*time.Millisecond)
	l.pass(oauth.CheckAPI, "status 200")
}

func (l *login) refresh() {
	l.step = oauth.StepUse
	l.now = l.now.Add(time.Hour)
	l.ask(oauth.ForRefresh, "POST", "https://oauth2.example.com/token", plain("grant_type", "refresh_token"), masked("refresh_token", "secret:5e6f7a8b"),
		plain("(client authentication)", "client_secret_basic"))
	l.pass(oauth.CheckTokenHTTP, "status 200 with application/json")
	l.pass(oauth.CheckTokenAnswer, "an access token")
	l.answer(oauth.ForRefresh, 200, 97*time.Millisecond, masked("access_token", "secret:2b3c4d5e"), masked("refresh_token", "secret:99aabbcc"))
	l.pass(oauth.CheckRefresh, "the same grant")
	l.add(oauth.Established{Is: l.is(0), What: "the access token was refreshed", Params: []oauth.Param{masked("access_token", "secret:2b3c4d5e")}})
	l.callAPI("secret:2b3c4d5e")
}

func goodLogin(id string) *login {
	l := newLogin(id)
	l.discovery()
	l.authorize()
	l.callback()
	l.verified()
	l.use()
	return l
}

func refreshedLogin(id string) *login {
	l := goodLogin(id)
	l.refresh()
	return l
}

// nonceRefused is a code of somebody else's login, slipped into this one.
func nonceRefused(id string) (*login, error) {
	l := newLogin(id)
	l.authorize()
	l.callback()
	l.exchange()
	return l, l.refuse(&oauth.Error{Step: oauth.StepTokens, Check: oauth.CheckNonce, Fault: oauth.FaultProvider,
		Reason: "the ID token was made for another login", Expected: "secret:90f1d0aa", Got: "secret:deadbeef", Cure: "sign in again"})
}

// browserRefused is a sign-in link of somebody else, opened in this browser.
// The app sees the answer only: the login was begun on another copy of it.
func browserRefused(id string) (*login, error) {
	l := newLogin(id)
	l.comesBack()
	return l, l.refuse(&oauth.Error{Step: oauth.StepCallback, Check: oauth.CheckBrowser, Fault: oauth.FaultBrowser,
		Reason: "the login was begun in another browser", Expected: "the browser that began the login", Got: "a browser without its cookie",
		Cure: "sign in again, and stay in one browser"})
}

func denied(id string) *login {
	l := newLogin(id)
	l.authorize()
	l.returned(4*time.Second, plain("error", "access_denied"), plain("error_description", "The resource owner denied the request"), masked("state", "secret:c01d2f3e"))
	l.pass(oauth.CheckState, "sealed by this app")
	l.pass(oauth.CheckBrowser, "the browser that began the login")
	l.refuse(&oauth.Error{Step: oauth.StepCallback, Check: oauth.CheckProviderAnswer, Fault: oauth.FaultDenied, Reason: "the provider refused",
		Expected: "a code", Got: "access_denied", Cure: "sign in again and allow the access",
		Err: &oauth.ProviderError{Code: "access_denied", Description: "The resource owner denied the request"}})
	return l
}

func record(r *trace.Recorder, logins ...*login) {
	for _, l := range logins {
		for _, ev := range l.events {
			r.Record(context.Background(), ev)
		}
	}
}

func story(l *login) *trace.Story {
	r := trace.NewRecorder(1)
	record(r, l)
	return r.Logins()[0]
}
