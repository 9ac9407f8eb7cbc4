package provider_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/vendorfakes"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// vendor is a preset with what the vendor answers, written by hand after its
// documentation, and what must become of it. The presets are not shipped: they
// show that the shape of a preset carries what vendors do, without new code.
type vendor struct {
	name   string
	preset provider.Preset
	change func(*provider.Config)

	// discovery and claims are for OpenID Connect: members of the metadata
	// document besides issuer and keys, and claims of the ID token besides
	// iss, aud, exp, iat and nonce.
	discovery map[string]string
	claims    string
	// token is the answer of the token endpoint; ID_TOKEN stands for one.
	token   string
	answers map[string]string // of all other endpoints, by URL
	// refusal is an error answer of the token endpoint.
	refusal answer

	want wanted
}

// wanted is what must become of the answers.
type wanted struct {
	subject, email, name, picture string
	verified                      bool
	scopes                        string // as granted
	lives                         time.Duration
	refresh                       bool
	refreshLives                  time.Duration
	code                          string // of the refusal
	description                   string
	scope                         string // as asked for
	params                        string // of the authorization URL, besides those of every login
	tokenParams                   string // names of the token request's parameters
	authorization                 string // scheme of the token request's header
}

// everyLogin are the parameters that every authorization URL has.
const everyLogin = "client_id redirect_uri response_type state"

func TestVendorsAreData(t *testing.T) {
	for _, v := range vendors() {
		t.Run(v.name, func(t *testing.T) {
			r := v.record(t)
			l := r.login(v.config())
			v.checkRequest(t, l)
			v.answerTokens(r, l)
			tokens, err := exchange(l, "code-1")
			if err != nil {
				t.Fatal(err)
			}
			v.checkTokenRequest(t, r)
			v.checkTokens(t, tokens)
			id, err := l.p.Identify(t.Context(), tokens)
			if err != nil {
				t.Fatal(err)
			}
			v.checkIdentity(t, r, id)
			v.checkProfileRequest(t, r)
			t.Run("refusal", func(t *testing.T) {
				r.set(v.tokenURL(), v.refusal)
				l.again()
				_, err := exchange(l, "code-1")
				wantEqual(t, "check", oauth.CheckOf(err), oauth.CheckTokenAnswer)
				wantEqual(t, "fault", oauth.FaultOf(err), oauth.FaultProvider)
				wantEqual(t, "code", oauth.ProviderCode(err), v.want.code)
				if !strings.Contains(err.Error(), v.want.description) {
					t.Errorf("error %v, want %q in it", err, v.want.description)
				}
			})
		})
	}
}

func (v vendor) config() provider.Config {
	c := provider.Config{Preset: v.preset}
	if v.change != nil {
		v.change(&c)
	}
	return c
}

func (v vendor) issuer() string {
	if c := v.config(); c.Issuer != "" {
		return c.Issuer
	}
	return v.preset.Issuer
}

func (v vendor) tokenURL() string {
	if v.preset.TokenURL != "" {
		return v.preset.TokenURL
	}
	return v.discovery["token_endpoint"]
}

// record serves the vendor's endpoints.
func (v vendor) record(t *testing.T) *recorded {
	t.Helper()
	answers := map[string]answer{}
	for where, body := range v.answers {
		answers[where] = answer{body: body}
	}
	r := record(t, answers)
	if v.discovery != nil {
		doc := map[string]string{"issuer": r.at(v.issuer()), "jwks_uri": r.at("https://vendor.example/keys")}
		for name, where := range v.discovery {
			doc[name] = r.at(where)
		}
		r.set(strings.TrimSuffix(v.issuer(), "/")+"/.well-known/openid-configuration", answer{body: marshal(t, doc)})
		r.keys("https://vendor.example/keys")
	}
	return r
}

func (v vendor) answerTokens(r *recorded, l *login) {
	body := v.token
	if v.claims != "" {
		nonce := l.url.Query().Get("nonce")
		if v.preset.Dialect.NoNonce {
			nonce = ""
		}
		body = strings.ReplaceAll(body, "ID_TOKEN", r.idToken(r.at(v.issuer()), nonce, v.claims))
	}
	r.set(v.tokenURL(), answer{body: body})
}

func (v vendor) checkRequest(t *testing.T, l *login) {
	t.Helper()
	q := l.url.Query()
	wantEqual(t, "scope", q.Get("scope"), v.want.scope)
	others := url.Values{}
	for name, values := range q {
		if !strings.Contains(everyLogin+" scope nonce code_challenge code_challenge_method", name) {
			others[name] = values
		}
	}
	wantEqual(t, "parameters besides", others.Encode(), v.want.params)
	wantEqual(t, "a challenge is sent", q.Has("code_challenge"), !v.preset.Dialect.NoPKCE)
	wantEqual(t, "a nonce is sent", q.Has("nonce"), v.claims != "")
}

func (v vendor) checkTokenRequest(t *testing.T, r *recorded) {
	t.Helper()
	got := r.got(v.tokenURL())
	params := got.Form
	if v.preset.Dialect.JSONTokenRequest {
		flat := map[string]string{}
		if err := json.Unmarshal([]byte(got.Body), &flat); err != nil {
			t.Fatalf("the body is not JSON: %v", err)
		}
		params = url.Values{}
		for name, value := range flat {
			params.Set(name, value)
		}
	}
	wantEqual(t, "token parameters", sorted(params), v.want.tokenParams)
	scheme, _, _ := strings.Cut(got.Header.Get("Authorization"), " ")
	wantEqual(t, "client authentication", scheme, v.want.authorization)
	wantEqual(t, "Accept", got.Header.Get("Accept"), "application/json")
}

func (v vendor) checkTokens(t *testing.T, tokens *oauth.Tokens) {
	t.Helper()
	wantEqual(t, "granted scopes", strings.Join(tokens.Scopes, " "), v.want.scopes)
	wantEqual(t, "a refresh token", !tokens.RefreshToken.IsZero(), v.want.refresh)
	wantLife(t, "the access token", tokens.Expires, v.want.lives)
	wantLife(t, "the refresh token", tokens.RefreshExpires, v.want.refreshLives)
	wantEqual(t, "an ID token", tokens.IDToken != nil, v.claims != "")
}

func wantLife(t *testing.T, what string, until time.Time, want time.Duration) {
	t.Helper()
	if want == 0 {
		wantEqual(t, what+" has no known end", until.IsZero(), true)
		return
	}
	if in := time.Until(until); in > want || in < want-time.Minute {
		t.Errorf("%s ends in %v, want %v", what, in, want)
	}
}

func (v vendor) checkIdentity(t *testing.T, r *recorded, id *provider.Identity) {
	t.Helper()
	issuer := r.at(v.issuer())
	if issuer == "" {
		issuer = v.preset.Realm
	}
	wantEqual(t, "issuer", id.Issuer, issuer)
	wantEqual(t, "subject", id.Subject, v.want.subject)
	wantEqual(t, "ID", id.ID, provider.IDOf(issuer, v.want.subject))
	wantEqual(t, "e-mail", id.Email, v.want.email)
	wantEqual(t, "verified", id.EmailVerified, v.want.verified)
	wantEqual(t, "name", id.Name, v.want.name)
	wantEqual(t, "picture", id.Picture, v.want.picture)
}

// checkProfileRequest: the userinfo URL keeps its query, and the token is not
// in it.
func (v vendor) checkProfileRequest(t *testing.T, r *recorded) {
	t.Helper()
	where, query, _ := strings.Cut(v.preset.UserInfoURL, "?")
	if where == "" {
		return
	}
	want, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	got := r.got(where)
	wantEqual(t, "query of the profile request", got.Query.Encode(), want.Encode())
	scheme, _, _ := strings.Cut(got.Header.Get("Authorization"), " ")
	wantEqual(t, "scheme of the profile request", scheme, "Bearer")
}

// What a single vendor does besides.

func TestA317_SlackWorkspaceIsRequired(t *testing.T) {
	v := vendorNamed(t, "A317 Slack")
	for team, refused := range map[string]bool{"T0R7GR": false, "T0OTHER": true} {
		c := v.config()
		c.RequireClaims = map[string][]string{"https://slack.com/team_id": {team}}
		r := v.record(t)
		l := r.login(c)
		v.answerTokens(r, l)
		_, err := l.identifyWithoutBrowser()
		wantEqual(t, team+" is refused", oauth.CheckOf(err) == oauth.CheckClaim && oauth.FaultOf(err) == oauth.FaultDenied, refused)
		wantEqual(t, team+" fails", err != nil, refused)
	}
}

func TestA326_CognitoAccessTokenIsNoIDToken(t *testing.T) {
	v := vendorNamed(t, "A326 Cognito")
	v.claims = strings.Replace(v.claims, `"token_use":"id"`, `"token_use":"access"`, 1)
	for name, change := range map[string]func(*provider.Config){
		"A326 as the preset has it":             func(*provider.Config) {},
		"A326 a configuration cannot loosen it": func(c *provider.Config) { c.RequireClaims = map[string][]string{"token_use": {"access"}} },
	} {
		t.Run(name, func(t *testing.T) {
			c := v.config()
			change(&c)
			r := v.record(t)
			l := r.login(c)
			v.answerTokens(r, l)
			_, err := l.identifyWithoutBrowser()
			wantRefused(t, err, oauth.CheckClaim, oauth.FaultDenied,
				"id-token-claim: the account lacks a claim that is required here, or its value is not permitted (expected token_use id, got access)")
		})
	}
}

func TestA318_LinkedInNonceThatComesMustMatch(t *testing.T) {
	v := vendorNamed(t, "A318 LinkedIn")
	v.claims = strings.Replace(v.claims, `{`, `{"nonce":"another",`, 1)
	r := v.record(t)
	l := r.login(v.config())
	v.answerTokens(r, l)
	_, err := l.identifyWithoutBrowser()
	wantEqual(t, "check", oauth.CheckOf(err), oauth.CheckNonce)
}

func TestA337_KakaoNeedsBothFlags(t *testing.T) {
	v := vendorNamed(t, "A337 Kakao")
	const me = "https://kapi.kakao.com/v2/user/me"
	for _, flags := range []string{
		`"is_email_valid":true,"is_email_verified":false`, `"is_email_valid":false,"is_email_verified":true`,
		`"is_email_valid":true`, `"is_email_verified":true`, `"is_email_valid":"true","is_email_verified":"true"`,
	} {
		r := v.record(t)
		r.set(me, answer{body: `{"id":1,"kakao_account":{"email":"sample@sample.example",` + flags + `}}`})
		l := r.login(v.config())
		v.answerTokens(r, l)
		id, err := l.identifyWithoutBrowser()
		if err != nil {
			t.Fatal(err)
		}
		if id.Email != "sample@sample.example" || id.EmailVerified {
			t.Errorf("%s: %q, verified: %v", flags, id.Email, id.EmailVerified)
		}
	}
}

func TestA338_NaverWantsTheStateAgain(t *testing.T) {
	v := vendorNamed(t, "A338 Naver")
	r := v.record(t)
	l := r.login(v.config())
	v.answerTokens(r, l)
	if _, err := exchange(l, "code-1"); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "state in the token request", r.got(v.tokenURL()).Form.Get("state"), l.pending.State())
}

// Zoho says in the callback which of its servers is to be asked. Who can write
// a callback must not be able to have the code and the secret.
func TestA339_ZohoDoesNotChooseTheTokenEndpoint(t *testing.T) {
	v := vendorNamed(t, "A339 Zoho")
	r := record(t, nil)
	l := r.login(v.config())
	v.answerTokens(r, l)
	code, err := l.check(&url.URL{Path: "/cb", RawQuery: url.Values{"code": {"c"}, "state": {l.pending.State()},
		"location": {"us"}, "accounts-server": {r.at("https://evil.example")}}.Encode()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.p.Client.Exchange(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	r.got(v.tokenURL())
	wantEqual(t, "requests", len(r.requests), 1)
}

func TestFigmaRefreshesElsewhere(t *testing.T) {
	v := vendorNamed(t, "Figma")
	r := v.record(t)
	l := r.login(v.config())
	v.answerTokens(r, l)
	first, err := exchange(l, "code-1")
	if err != nil {
		t.Fatal(err)
	}
	r.set("https://api.figma.com/v1/oauth/refresh", answer{body: `{"access_token":"figu_2","token_type":"bearer","expires_in":7776000}`})
	second, err := l.p.Client.Refresh(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "access token", second.AccessToken.Reveal(), "figu_2")
	wantEqual(t, "the refresh token stays", second.RefreshToken.Reveal() == first.RefreshToken.Reveal(), true)
	wantEqual(t, "parameters", sorted(r.got("https://api.figma.com/v1/oauth/refresh").Form), "grant_type refresh_token")
}

func TestDropboxIsAskedByPost(t *testing.T) {
	v := vendorNamed(t, "A331 Dropbox")
	r := v.record(t)
	l := r.login(v.config())
	v.answerTokens(r, l)
	if _, err := l.identifyWithoutBrowser(); err != nil {
		t.Fatal(err)
	}
	got := r.got("https://api.dropboxapi.com/2/users/get_current_account")
	wantEqual(t, "method", got.Method, "POST")
	wantEqual(t, "body", got.Body, "")
}

func TestA320_DiscordWithoutPictureAndVerification(t *testing.T) {
	v := vendorNamed(t, "A320 Discord")
	r := v.record(t)
	r.set("https://discord.com/api/users/@me", answer{body: `{"id":"080351110224678912","username":"admin@corp.example","global_name":null,"avatar":null,"email":"mara@home.example","verified":false}`})
	l := r.login(v.config())
	v.answerTokens(r, l)
	id, err := l.identifyWithoutBrowser()
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "subject with its zero", id.Subject, "080351110224678912")
	wantEqual(t, "picture", id.Picture, "")
	wantEqual(t, "name", id.Name, "admin@corp.example")
	wantEqual(t, "e-mail", id.Email, "mara@home.example")
	wantEqual(t, "verified", id.EmailVerified, false)
}

func vendorNamed(t *testing.T, name string) vendor {
	t.Helper()
	for _, v := range vendors() {
		if v.name == name {
			return v
		}
	}
	t.Fatalf("there is no vendor %q", name)
	return vendor{}
}

func TestVendorPresetsHoldNoMistakes(t *testing.T) {
	for _, v := range vendors() {
		c := v.config()
		c.ClientID, c.ClientSecret = vendorfakes.ClientID, secret()
		if _, err := provider.New(c, "https://app.example/auth/callback", nil); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}
