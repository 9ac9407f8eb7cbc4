package wayleave_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/devidp/devidptest"
)

// TestA214_LogoutTokensThatAreRefused: 400 each, and nobody is signed out.
func TestA214_LogoutTokensThatAreRefused(t *testing.T) {
	a := newDirectApp(t, newIDP(t), "https://app.example", withSessionGrants)
	stranger := newIDP(t)
	b := a.browser()
	b.signIn("/")
	sid, idToken := idTokenOf(b).SessionID, idTokenOf(b).Raw().Reveal()
	const event = "http://schemas.openid.net/event/backchannel-logout"
	past := time.Now().Add(-time.Hour).Unix()
	good := func(t *testing.T, idp *devidp.Server, change map[string]any, header ...map[string]any) string {
		claims := map[string]any{"aud": "app", "sub": "ada", "sid": sid}
		maps.Copy(claims, change)
		return devidptest.LogoutToken(t, idp, claims, header...)
	}
	for name, row := range map[string]struct {
		change map[string]any
		header map[string]any
		reason string
	}{
		"A214 nonce present":           {map[string]any{"nonce": "n"}, nil, "a token with a nonce is no logout token"},
		"A214 an empty nonce":          {map[string]any{"nonce": ""}, nil, "a token with a nonce is no logout token"},
		"A214 events missing":          {map[string]any{"events": nil}, nil, "the token has no events, and is none of logout"},
		"A214 events an array":         {map[string]any{"events": []string{event}}, nil, "events is not an object"},
		"A214 another event":           {map[string]any{"events": map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}}, nil, "the token is of another event than logout"},
		"A214 the event in upper case": {map[string]any{"events": map[string]any{strings.ToUpper(event): map[string]any{}}}, nil, "the token is of another event than logout"},
		"A214 the event no object":     {map[string]any{"events": map[string]any{event: true}}, nil, "the logout event is not an object"},
		"A214 neither sub nor sid":     {map[string]any{"sub": nil, "sid": nil}, nil, "the logout token does not say who signed out"},
		"A214 an empty sid":            {map[string]any{"sid": ""}, nil, "sid is no identifier"},
		"A214 exp missing":             {map[string]any{"exp": nil}, nil, "the logout token has no exp"},
		"A214 iat missing":             {map[string]any{"iat": nil}, nil, "the logout token has no iat"},
		"A214 jti missing":             {map[string]any{"jti": nil}, nil, "without jti nobody can tell whether the logout token was used before"},
		"A214 expired":                 {map[string]any{"iat": past - 60, "exp": past}, nil, "the logout token has expired"},
		"A214 issued in the future":    {map[string]any{"iat": past + 7200, "exp": past + 7260}, nil, "the logout token was issued in the future"},
		"A214 for another client":      {map[string]any{"aud": "app-other"}, nil, "the logout token is meant for another client"},
		"A214 for nobody":              {map[string]any{"aud": nil}, nil, "the logout token has no aud"},
		"A214 of another issuer":       {map[string]any{"iss": "https://evil.example"}, nil, "the logout token is from another issuer"},
		"A214 of no issuer":            {map[string]any{"iss": nil}, nil, "the logout token has no iss that is a string"},
		"A214 an access token":         {nil, map[string]any{"typ": "at+jwt"}, "the token is of another kind than a logout token"},
		"A214 another kind of event":   {nil, map[string]any{"typ": "secevent+jwt"}, "the token is of another kind than a logout token"},
		"A214 alg none":                {nil, map[string]any{"alg": "none"}, "the logout token names no algorithm that could be accepted"},
		"A214 an unknown key":          {nil, map[string]any{"kid": "other"}, "the issuer does not publish the key that the logout token is signed with"},
	} {
		t.Run(name, func(t *testing.T) {
			checkNothingEnded(t, b, good(t, a.idp, row.change, row.header), row.reason)
		})
	}
	const notAToken = "the logout token is not a signed compact JWT"
	token := good(t, a.idp, nil)
	for name, row := range map[string][2]string{
		"A214 the ID token":                 {idToken, "the token has no events, and is none of logout"},
		"A214 signed by somebody else":      {good(t, stranger, map[string]any{"iss": a.idp.Issuer()}), "the issuer does not publish the key that the logout token is signed with"},
		"A214 one bit of it changed":        {token[:len(token)-10] + flipped(token[len(token)-10]) + token[len(token)-9:], "the logout token's signature does not verify"},
		"A214 a signature that is too long": {token + "x", notAToken},
		"A214 without its signature":        {token[:strings.LastIndexByte(token, '.')+1], "the logout token's signature does not verify"},
		"A214 no token at all":              {"logout", notAToken},
		"A214 with a blank before it":       {" " + token, notAToken},
		"A214 as JSON":                      {`{"iss":"` + a.idp.Issuer() + `","sub":"ada"}`, notAToken},
		"A219 encrypted, as nobody agreed":  {"e30.e30.e30.e30.e30", notAToken},
	} {
		t.Run(name, func(t *testing.T) { checkNothingEnded(t, b, row[0], row[1]) })
	}
	t.Run("and one that is accepted", func(t *testing.T) {
		checkTold(t, a.tell(token))
		if b.user() != "" {
			t.Error("nobody was signed out")
		}
	})
}

// checkNothingEnded: the token is refused for the reason, and leaves no trace.
func checkNothingEnded(t *testing.T, b *browser, token, reason string) {
	t.Helper()
	checkRefused(t, b.a.tell(token), reason)
	if b.user() == "" {
		t.Error("somebody was signed out")
	}
	if b.a.store.Len("jti") != 0 || b.a.store.Len("logout") != 0 {
		t.Errorf("it left %d ids and %d marks", b.a.store.Len("jti"), b.a.store.Len("logout"))
	}
}

// TestA214_TheKindCanBeAskedFor: typ is optional unless it is asked for.
func TestA214_TheKindCanBeAskedFor(t *testing.T) {
	for _, strict := range []bool{false, true} {
		for typ, loose := range map[any]bool{"logout+jwt": false, "JWT": true, nil: true} {
			t.Run(fmt.Sprintf("%v, strict %v", typ, strict), func(t *testing.T) {
				a := newDirectApp(t, newIDP(t), "https://app.example", func(c *wayleave.Config) { c.Providers[0].RequireLogoutType = strict })
				b := a.browser()
				b.signIn("/")
				at := a.tell(devidptest.LogoutToken(t, a.idp, map[string]any{"aud": "app", "sub": "ada"}, map[string]any{"typ": typ}))
				if refused := strict && loose; (at.StatusCode == http.StatusBadRequest) != refused || (b.user() != "") != refused {
					t.Errorf("status %d, signed in: %v", at.StatusCode, b.user() != "")
				}
			})
		}
	}
}
