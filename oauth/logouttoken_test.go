package oauth

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// newLogoutCase is newIDTCase for a good logout token. To be called in a bubble.
func newLogoutCase() *idtCase {
	c := newIDTCase()
	c.header = `{"alg":"ES256","kid":"e1","typ":"logout+jwt"}`
	c.claims = map[string]any{"iss": "https://id.example.com", "sub": "user-1", "sid": "s-1", "aud": "client-1", "jti": "j-1",
		"iat": at(0), "exp": at(2 * time.Minute), "events": map[string]any{backChannelEvent: map[string]any{}}}
	c.verifier.maxTokenAge = StateLifetime
	return c
}

func (c *idtCase) verifyLogout(ctx context.Context) (*LogoutToken, error) {
	return c.verifier.verifyLogout(ctx, logoutTokenKind, c.token())
}

func TestLGO08_LGO09_LGO13_LogoutTokensThatAreRefused(t *testing.T) {
	for _, c := range logoutRefusals {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cs := newLogoutCase()
				c.change(cs)
				token, err := cs.verifyLogout(t.Context())
				if token != nil {
					t.Error("a token came with the error")
				}
				e, ok := err.(*Error)
				if !ok {
					t.Fatalf("got %v", err)
				}
				fault := FaultBrowser
				if c.fault != 0 {
					fault = c.fault
				}
				if e.Check != c.check || e.Step != StepUse || e.Fault != fault {
					t.Errorf("got check %s, %s, fault %d", e.Check, e.Step, e.Fault)
				}
				if err.Error() != string(c.check)+": "+c.text {
					t.Errorf("got  %s\nwant %s: %s", err, c.check, c.text)
				}
			})
		})
	}
}

// event replaces the logout event's claim.
func event(events any) func(*idtCase) { return claim("events", events) }

func logoutHeader(header string) func(*idtCase) {
	return func(c *idtCase) { c.header = header }
}

const (
	wantEvent = "expected an object at http://schemas.openid.net/event/backchannel-logout, got "
	wantTypes = "the token is of another kind than a logout token (expected typ logout+jwt, JWT, or none, got "
	wantASCII = " is no identifier (expected 1 to 255 ASCII characters, got "
)

var logoutRefusals = []idtRefusal{
	{name: "A214 nonce present", check: CheckLogoutNonce, text: "a token with a nonce is no logout token (expected no nonce, got one)", change: claim("nonce", "n")},
	{name: "A214 nonce present and null", check: CheckLogoutNonce, text: "a token with a nonce is no logout token (expected no nonce, got one)", change: claim("nonce", null{})},
	{name: "A214 nonce present and empty", check: CheckLogoutNonce, text: "a token with a nonce is no logout token (expected no nonce, got one)", change: claim("nonce", "")},

	{name: "A214 events missing", check: CheckLogoutEvents, text: "the token has no events, and is none of logout (" + wantEvent + "nothing)", change: event(nil)},
	{name: "A214 events null", check: CheckLogoutEvents, text: "events is not an object (" + wantEvent + "a value of kind null)", change: event(null{})},
	{name: "A214 events an array", check: CheckLogoutEvents, text: "events is not an object (" + wantEvent + "a value of kind array)", change: event([]string{backChannelEvent})},
	{name: "A214 events a string", check: CheckLogoutEvents, text: "events is not an object (" + wantEvent + "a value of kind string)", change: event(backChannelEvent)},
	{name: "A214 events empty", check: CheckLogoutEvents, text: "the token is of another event than logout (" + wantEvent + "nothing)", change: event(map[string]any{})},
	{name: "A214 events with a wrong member", check: CheckLogoutEvents, text: "the token is of another event than logout (" + wantEvent + backChannelEvent + "s)", change: event(map[string]any{backChannelEvent + "s": map[string]any{}})},
	{name: "A214 events with a member in other case", check: CheckLogoutEvents, text: "the token is of another event than logout (" + wantEvent + strings.ToUpper(backChannelEvent) + ")", change: event(map[string]any{strings.ToUpper(backChannelEvent): map[string]any{}})},
	{name: "A214 SET of another type", check: CheckLogoutEvents, text: "the token is of another event than logout (" + wantEvent + "https://schemas.openid.net/secevent/risc/event-type/account-disabled)", change: event(map[string]any{"https://schemas.openid.net/secevent/risc/event-type/account-disabled": map[string]any{}})},
	{name: "A214 member of events not an object but true", check: CheckLogoutEvents, text: "the logout event is not an object (" + wantEvent + "a value of kind boolean)", change: event(map[string]any{backChannelEvent: true})},
	{name: "A214 member of events not an object but null", check: CheckLogoutEvents, text: "the logout event is not an object (" + wantEvent + "a value of kind null)", change: event(map[string]any{backChannelEvent: nil})},
	{name: "A214 member of events not an object but an array", check: CheckLogoutEvents, text: "the logout event is not an object (" + wantEvent + "a value of kind array)", change: event(map[string]any{backChannelEvent: []any{}})},

	{name: "A214 sub and sid missing", check: CheckLogoutSubject, text: "the logout token does not say who signed out (expected sub, sid or both, got nothing)", change: func(c *idtCase) { claim("sub", nil)(c); claim("sid", nil)(c) }},
	{name: "A214 sub and sid null", check: CheckLogoutSubject, text: "the logout token does not say who signed out (expected sub, sid or both, got nothing)", change: func(c *idtCase) { claim("sub", null{})(c); claim("sid", null{})(c) }},
	{name: "sub empty beside a sid", check: CheckLogoutSubject, text: "sub" + wantASCII + "nothing)", change: claim("sub", "")},
	{name: "sid empty beside a sub", check: CheckLogoutSubject, text: "sid" + wantASCII + "nothing)", change: claim("sid", "")},
	{name: "sid a number", check: CheckLogoutSubject, text: "sid" + wantASCII + "a value of kind number)", change: claim("sid", 5)},
	{name: "sub an array", check: CheckLogoutSubject, text: "sub" + wantASCII + "a value of kind array)", change: claim("sub", []string{"user-1"})},
	{name: "sub beyond ASCII", check: CheckLogoutSubject, text: "sub" + wantASCII + "us?r)", change: claim("sub", "us\x01r")},
	{name: "A217 sid of 256 characters", check: CheckLogoutSubject, text: "sid" + wantASCII + strings.Repeat("s", 200) + ")", change: claim("sid", strings.Repeat("s", 256))},

	{name: "A214 jti missing", check: CheckLogoutID, text: "without jti nobody can tell whether the logout token was used before (expected jti, got nothing)", change: claim("jti", nil)},
	{name: "A214 jti null", check: CheckLogoutID, text: "without jti nobody can tell whether the logout token was used before (expected jti, got nothing)", change: claim("jti", null{})},
	{name: "A214 jti empty", check: CheckLogoutID, text: "jti" + wantASCII + "nothing)", change: claim("jti", "")},
	{name: "A214 jti a number", check: CheckLogoutID, text: "jti" + wantASCII + "a value of kind number)", change: claim("jti", 7)},
	{name: "A217 jti of 256 characters", check: CheckLogoutID, text: "jti" + wantASCII + strings.Repeat("j", 200) + ")", change: claim("jti", strings.Repeat("j", 256))},

	{name: "A214 exp missing", check: CheckLogoutExpiry, text: "the logout token has no exp (expected seconds since 1970, got nothing)", change: claim("exp", nil)},
	{name: "A214 exp a string", check: CheckLogoutExpiry, text: "the logout token's exp is not a number of seconds since 1970: member \"exp\" is of kind string, not number", change: claim("exp", "946684920")},
	{name: "A214 expired", check: CheckLogoutExpiry, text: "the logout token has expired (expected after 1999-12-31T23:59:00Z, got 1999-12-31T23:59:00Z)", change: claim("exp", number("946684740"))},
	{name: "A214 iat missing", check: CheckLogoutIssuedAt, text: "the logout token has no iat (expected seconds since 1970, got nothing)", change: claim("iat", nil)},
	{name: "A214 iat future", check: CheckLogoutIssuedAt, text: "the logout token was issued in the future (expected at or before 2000-01-01T00:01:00Z, got 2000-01-01T00:01:01Z); if the token was made just now, this machine's clock is 61 seconds behind: set it by NTP", change: claim("iat", number("946684861"))},
	{name: "A215 iat long ago, whatever exp says", check: CheckLogoutIssuedAt, text: "the logout token was issued too long ago (expected at or after 1999-12-31T23:49:00Z, got 1999-12-31T23:48:59Z); if the token was made just now, this machine's clock is 661 seconds ahead: set it by NTP", change: claim("iat", number("946684139"))},
	{name: "nbf future", check: CheckLogoutNotBefore, text: "the logout token is not valid yet (expected at or before 2000-01-01T00:01:00Z, got 2000-01-01T00:01:01Z); if the token was made just now, this machine's clock is 61 seconds behind: set it by NTP", change: claim("nbf", number("946684861"))},

	{name: "A214 iss missing", check: CheckLogoutIssuer, text: "the logout token has no iss that is a string (expected https://id.example.com, got nothing)", change: claim("iss", nil)},
	{name: "A216 iss of another provider", check: CheckLogoutIssuer, text: "the logout token is from another issuer (expected https://id.example.com, got https://other.example)", change: claim("iss", "https://other.example")},
	{name: "A216 iss with a slash more", check: CheckLogoutIssuer, text: "the logout token is from another issuer (expected https://id.example.com, got https://id.example.com/)", change: claim("iss", "https://id.example.com/")},
	{name: "A216 key of another provider", check: CheckLogoutSignature, text: "the logout token's signature does not verify (expected a signature by one of the issuer's keys, got another one); if the provider has just replaced a key without renaming it, try again in a minute", change: func(c *idtCase) { c.key = newIDTEC("e1") }},
	{name: "A216 key that the issuer does not publish", check: CheckLogoutKey, text: "the issuer does not publish the key that the logout token is signed with (expected a key of the issuer for ES256, got kid nobody's); if the provider has just changed its keys, try again in a minute", change: logoutHeader(`{"alg":"ES256","kid":"nobody's","typ":"logout+jwt"}`)},
	{name: "aud missing", check: CheckLogoutAudience, text: "the logout token has no aud (expected client-1, got nothing)", change: claim("aud", nil)},
	{name: "aud of another client", check: CheckLogoutAudience, text: "the logout token is meant for another client (expected client-1, got client-10)", change: claim("aud", "client-10")},
	{name: "aud with a stranger", check: CheckLogoutAudience, text: "the logout token is also meant for an audience that is not trusted (expected client-1, got client-1 stranger)", change: claim("aud", []string{"client-1", "stranger"})},
	{name: "tenant that may not sign in", check: CheckLogoutIssuer, fault: FaultDenied, text: "the account is of a tenant that may not sign in here (expected one of the tenants that may sign in, got " + idtTenant + "); add the tenant to Tenants if it should", change: func(c *idtCase) { c.entra(idtTenant, strings.Repeat("0", 36)) }},

	{name: "A214 ID token replayed as logout token", check: CheckLogoutEvents, text: "the token has no events, and is none of logout (" + wantEvent + "nothing)", change: func(c *idtCase) {
		c.header = `{"alg":"ES256","kid":"e1","typ":"JWT"}`
		c.claims = newIDTCase().claims
	}},
	{name: "A214 access token", check: CheckLogoutToken, text: wantTypes + "at+jwt)", change: logoutHeader(`{"alg":"ES256","kid":"e1","typ":"at+jwt"}`)},
	{name: "A214 access token with prefix", check: CheckLogoutToken, text: wantTypes + "application/at+jwt)", change: logoutHeader(`{"alg":"ES256","kid":"e1","typ":"application/at+jwt"}`)},
	{name: "A214 typ of another SET", check: CheckLogoutToken, text: wantTypes + "secevent+jwt)", change: logoutHeader(`{"alg":"ES256","kid":"e1","typ":"secevent+jwt"}`)},
	{name: "typ is a prefix and nothing else", check: CheckLogoutToken, text: wantTypes + "application/)", change: logoutHeader(`{"alg":"ES256","kid":"e1","typ":"application/"}`)},
	{name: "A219 encrypted", check: CheckLogoutToken, text: "the logout token is not a signed compact JWT: the token is encrypted", change: func(c *idtCase) { c.raw = "a.b.c.d.e" }},
	{name: "LGO-08 unsigned", check: CheckLogoutAlgorithm, text: "the logout token names no algorithm that could be accepted: the token is not signed", change: func(c *idtCase) {
		c.raw = strings.Join([]string{b64url([]byte(`{"alg":"none","typ":"logout+jwt"}`)), strings.Split(c.token(), ".")[1], ""}, ".")
	}},
	{name: "LGO-08 HS256", check: CheckLogoutAlgorithm, text: "the logout token is signed with the client secret, which is not supported, because everyone who has the secret could then sign ID tokens (expected RS256, PS256, ES256, ES384, ES512, EdDSA, Ed25519, got HS256); choose one of the accepted algorithms in the registration at the provider", change: func(c *idtCase) { c.raw = b64url([]byte(`{"alg":"HS256","typ":"logout+jwt"}`)) + ".e30.AAAA" }},
	{name: "not a token", check: CheckLogoutToken, text: "the logout token is not a signed compact JWT: not three parts with dots between them", change: func(c *idtCase) { c.raw = "opaque" }},
	{name: "A217 64 kB and more", check: CheckLogoutToken, text: "the logout token is not a signed compact JWT: longer than 64 KiB", change: func(c *idtCase) { c.raw = strings.Repeat("a", 64<<10+1) }},
	{name: "claims not an object", check: CheckLogoutToken, text: "the logout token's claims are malformed: JSON refused at byte 0: string at top level, not object", change: func(c *idtCase) { c.payload = `"x"` }},
	{name: "A268 events twice", check: CheckLogoutToken, text: `the logout token's claims are malformed: JSON refused at byte 13: member "events" is there twice`, change: func(c *idtCase) { c.payload = `{"events":{},"events":{}}` }},
	{name: "no keys to be had", check: CheckLogoutKey, fault: FaultUnavailable, text: "the provider's signing keys could not be fetched: connection refused; look at jwks_uri in the provider's metadata and whether this machine can reach it", change: func(c *idtCase) {
		c.verifier.keys = newKeySet(func(context.Context) ([]byte, error) { return nil, fmt.Errorf("connection refused") }, teller{})
	}},
}

func TestLGO08_LogoutTokensThatAreAccepted(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*idtCase)
		want   LogoutToken // Subject and SessionID
	}{
		{"sub and sid", func(*idtCase) {}, LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"sub alone", claim("sid", nil), LogoutToken{Subject: "user-1"}},
		{"sid alone", claim("sub", nil), LogoutToken{SessionID: "s-1"}},
		{"sid null beside a sub", claim("sid", null{}), LogoutToken{Subject: "user-1"}},
		{"identifiers of 255 characters", func(c *idtCase) {
			c.claims["sub"], c.claims["sid"], c.claims["jti"] = strings.Repeat("u", 255), strings.Repeat("s", 255), strings.Repeat("j", 255)
		}, LogoutToken{Subject: strings.Repeat("u", 255), SessionID: strings.Repeat("s", 255)}},
		{"typ JWT", logoutHeader(`{"alg":"ES256","kid":"e1","typ":"JWT"}`), LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"no typ", logoutHeader(`{"alg":"ES256","kid":"e1"}`), LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"typ with prefix in capitals", logoutHeader(`{"alg":"ES256","kid":"e1","typ":"application/LOGOUT+JWT"}`), LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"a second event beside logout", event(map[string]any{backChannelEvent: map[string]any{}, "https://other.example": true}), LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"members in the event", event(map[string]any{backChannelEvent: map[string]any{"more": 1}}), LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"a minute after it expired", claim("exp", number("946684741")), LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"a minute before it was issued", claim("iat", number("946684860")), LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"claims that are not asked for", func(c *idtCase) { claim("azp", "other")(c); claim("at_hash", "x")(c); claim("trace_id", 5)(c) }, LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"an audience that is trusted", func(c *idtCase) {
			c.claims["aud"], c.verifier.trustedAudiences = []string{"client-1", "api"}, []string{"api"}
		}, LogoutToken{Subject: "user-1", SessionID: "s-1"}},
		{"a tenant that may sign in", func(c *idtCase) { c.entra(idtTenant, idtTenant) }, LogoutToken{Subject: "user-1", SessionID: "s-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cs := newLogoutCase()
				c.change(cs)
				got, err := cs.verifyLogout(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got.Subject != c.want.Subject || got.SessionID != c.want.SessionID || got.Issuer != cs.claims["iss"] || got.ID != cs.claims["jti"] {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestA214_TypJWTInStrictMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strict := logoutTokenKind
		strict.types, strict.wantType = strict.types[:2], "typ logout+jwt"
		for header, good := range map[string]bool{
			`{"alg":"ES256","kid":"e1","typ":"logout+jwt"}`:             true,
			`{"alg":"ES256","kid":"e1","typ":"application/logout+jwt"}`: true,
			`{"alg":"ES256","kid":"e1","typ":"JWT"}`:                    false,
			`{"alg":"ES256","kid":"e1","typ":"application/jwt"}`:        false,
			`{"alg":"ES256","kid":"e1"}`:                                false,
		} {
			c := newLogoutCase()
			c.header = header
			_, err := c.verifier.verifyLogout(t.Context(), strict, c.token())
			if (err == nil) != good || !good && CheckOf(err) != CheckLogoutToken {
				t.Errorf("%s: %v", header, err)
			}
		}
	})
}

// A215: as long as a token would be accepted, its ID must be remembered, and
// that is not long.
func TestA215_HowLongTheIDMustBeRemembered(t *testing.T) {
	for name, tc := range map[string]struct{ exp, iat, want time.Duration }{
		"until it expires":           {2 * time.Minute, 0, 4 * time.Minute},
		"until it is too old":        {24 * time.Hour, 0, 12 * time.Minute},
		"of one that was slow":       {24 * time.Hour, -10 * time.Minute, 2 * time.Minute},
		"of one that expires before": {-30 * time.Second, -5 * time.Minute, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newLogoutCase()
				c.claims["exp"], c.claims["iat"] = at(tc.exp), at(tc.iat)
				raw := c.token()
				got, err := c.verifier.verifyLogout(t.Context(), logoutTokenKind, raw)
				if err != nil {
					t.Fatal(err)
				}
				if d := time.Until(got.RememberUntil); d != tc.want {
					t.Errorf("for %v, want %v", d, tc.want)
				}
				if !got.Expires.Equal(time.Unix(at(tc.exp), 0)) || !got.IssuedAt.Equal(time.Unix(at(tc.iat), 0)) {
					t.Errorf("%+v", got)
				}
				// A clock that is a leeway behind refuses it by then as well.
				time.Sleep(time.Until(got.RememberUntil) - time.Minute + time.Second)
				if _, err := c.verifier.verifyLogout(t.Context(), logoutTokenKind, raw); err == nil {
					t.Error("it is still accepted")
				}
			})
		})
	}
}

func TestLGO13_EachKindIsRefusedAsTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, header := range []string{`{"alg":"ES256","kid":"e1"}`, `{"alg":"ES256","kid":"e1","typ":"JWT"}`} {
			logout := newLogoutCase()
			logout.header, logout.want.nonceWaived = header, true
			if _, err := logout.verify(t.Context()); CheckOf(err) != CheckIDToken {
				t.Errorf("a logout token as ID token: %v", err)
			}
			id := newIDTCase()
			id.header = header
			delete(id.claims, "nonce")
			if _, err := id.verifyLogout(t.Context()); CheckOf(err) != CheckLogoutEvents {
				t.Errorf("an ID token as logout token: %v", err)
			}
		}
	})
}

func TestLogoutTokenEventsHoldNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newLogoutCase()
		var got []Checked
		c.verifier.tell = teller{provider: "acme", tell: func(_ context.Context, ev Event) { got = append(got, ev.(Checked)) }}
		raw := c.token()
		if _, err := c.verifier.verifyLogout(t.Context(), logoutTokenKind, raw); err != nil {
			t.Fatal(err)
		}
		var checks []Check
		for _, ev := range got {
			checks = append(checks, ev.Check)
			if ev.Err != nil || ev.Is.Step != StepUse {
				t.Errorf("%+v", ev)
			}
		}
		want := []Check{CheckLogoutToken, CheckLogoutAlgorithm, CheckLogoutKey, CheckLogoutSignature, CheckLogoutIssuer, CheckLogoutEvents,
			CheckLogoutNonce, CheckLogoutAudience, CheckLogoutExpiry, CheckLogoutIssuedAt, CheckLogoutSubject, CheckLogoutID}
		if !slices.Equal(checks, want) {
			t.Errorf("%v", checks)
		}
		if strings.Contains(fmt.Sprintf("%+v", got), raw[len(raw)-40:]) {
			t.Error("the token was told")
		}
	})
	for _, c := range logoutRefusals {
		synctest.Test(t, func(t *testing.T) {
			cs := newLogoutCase()
			c.change(cs)
			raw := cs.token()
			_, err := cs.verifier.verifyLogout(t.Context(), logoutTokenKind, raw)
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			if len(raw) > 40 && strings.Contains(text, raw[len(raw)-40:]) || len(err.Error()) > 1000 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < 0x20 || r > 0x7e }) {
				t.Errorf("%s: %s", c.name, text)
			}
		})
	}
}

// A270: logout tokens and ID tokens share one key set and its limit.
func TestA270_AFloodOfLogoutTokensWithRandomKeys(t *testing.T) {
	inKeysBubble(t, func(t *testing.T, s *keysServer, k *keySet) {
		flood := func() {
			var wg sync.WaitGroup
			for range 500 {
				c := newLogoutCase()
				c.verifier.keys = k
				c.raw = b64url(fmt.Appendf(nil, `{"alg":"ES256","kid":%q,"typ":"logout+jwt"}`, rand.Text())) + ".e30." + b64url(make([]byte, 64))
				wg.Go(func() {
					if _, err := c.verifyLogout(t.Context()); CheckOf(err) != CheckLogoutKey {
						t.Errorf("%v", err)
					}
				})
			}
			wg.Wait()
		}
		flood()
		if n := s.count(); n > 2 {
			t.Errorf("%d fetches", n)
		}
		time.Sleep(59 * time.Second)
		flood()
		if n := s.count(); n > 2 {
			t.Errorf("%d fetches within a minute", n)
		}
		// A rotation is seen a minute after the flood's last fetch, by the
		// logins too.
		fresh := newIDTEC("e2")
		s.publish(fresh)
		time.Sleep(2 * time.Second)
		c := newLogoutCase()
		c.verifier.keys, c.key, c.header = k, fresh, `{"alg":"ES256","kid":"e2","typ":"logout+jwt"}`
		if _, err := c.verifyLogout(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.login(k, fresh); err != nil || s.count() > 3 {
			t.Errorf("%v, %d fetches", err, s.count())
		}
	})
}

// Whatever a provider signs: no panic, and what is accepted is a logout token
// for us, as encoding/json reads it too.
func FuzzLogoutTokenClaims(f *testing.F) {
	now := time.Now().Unix()
	f.Add(fmt.Appendf(nil, `{"iss":"https://id.example.com","sid":"s","aud":["client-1"],"exp":%d,"iat":%d,"jti":"j","events":{%q:{}}}`, now+300, now, backChannelEvent))
	f.Add([]byte(`{"iss":null,"aud":[],"exp":1e400,"events":[],"jti":{},"sub":-1,"nonce":null}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 {
			return
		}
		c := newLogoutCase()
		c.alg, c.key, c.header, c.payload = "EdDSA", idtEd(), `{"alg":"EdDSA","kid":"o1"}`, string(payload)
		c.verifier.maxTokenAge = 10000 * time.Hour // the seeds grow old
		token, err := c.verifyLogout(t.Context())
		if (err == nil) != (token != nil) {
			t.Fatal("neither token nor error, or both")
		}
		if err != nil {
			if CheckOf(err) == "" {
				t.Fatal(err)
			}
			return
		}
		var claims struct {
			Iss, Sub, Sid, Jti string
			Aud                any
			Events             map[string]any
			Nonce              *any
		}
		err = json.Unmarshal(payload, &claims)
		_, logout := claims.Events[backChannelEvent].(map[string]any)
		if err != nil || !logout || claims.Nonce != nil || claims.Iss != c.verifier.issuer || claims.Jti == "" || claims.Sub+claims.Sid == "" ||
			!strings.Contains(fmt.Sprint(claims.Aud), "client-1") || token.Subject != claims.Sub || token.SessionID != claims.Sid || token.ID != claims.Jti {
			t.Fatalf("accepted %s: %v", payload, err)
		}
	})
}
