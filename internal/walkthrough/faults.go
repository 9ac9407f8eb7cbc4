package walkthrough

import (
	"slices"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/oauth"
)

// Fault is something that goes wrong in a walkthrough, with what must become of it.
type Fault struct {
	Name    string
	Summary string
	// RefusedBy is the check that must refuse it: that one, and no request
	// after it. Empty: the login survives, and Survives says what was done.
	RefusedBy oauth.Check
	Survives  string
}

// Faults lists all of them: those of the provider, and those of a browser in
// somebody else's hands.
func Faults() []Fault {
	out := slices.Clone(browserFaults)
	for _, f := range devidp.Faults() {
		fate := providerFates[f.Name]
		fate.Name, fate.Summary = f.Name, "the provider: "+f.Summary
		out = append(out, fate)
	}
	return out
}

// faultNamed returns a fault by name.
func faultNamed(name string) (Fault, bool) {
	for _, f := range Faults() {
		if f.Name == name {
			return f, true
		}
	}
	return Fault{}, false
}

// Faults of the browser's side.
const (
	forgedState     = "forged-state"
	missingState    = "missing-state"
	otherBrowser    = "other-browser"
	replayed        = "replayed-callback"
	otherProvider   = "other-provider"
	doubledCode     = "doubled-code"
	swappedCode     = "stolen-code"
	postedCallback  = "posted-callback"
	changedState    = "changed-state"
	forgottenCookie = "forgotten-cookie"
)

var browserFaults = []Fault{
	{Name: forgedState, Summary: "somebody calls the callback with a state of their own making", RefusedBy: oauth.CheckState},
	{Name: changedState, Summary: "one character of the state is changed on the way", RefusedBy: oauth.CheckState},
	{Name: missingState, Summary: "the callback arrives without a state", RefusedBy: oauth.CheckState},
	{Name: otherBrowser, Summary: "the finished login is opened in another person's browser, to sign them in as the attacker", RefusedBy: oauth.CheckBrowser},
	{Name: forgottenCookie, Summary: "the browser lost its cookie between start and return", RefusedBy: oauth.CheckBrowser},
	{Name: doubledCode, Summary: "the callback carries two codes, hoping that two readers pick different ones", RefusedBy: oauth.CheckQuery},
	{Name: postedCallback, Summary: "the parameters come in the body of a request with another query", RefusedBy: oauth.CheckQuery},
	{Name: swappedCode, Summary: "an attacker puts a code stolen from someone else's login into their own", RefusedBy: oauth.CheckTokenAnswer},
	{Name: otherProvider, Summary: "the answer arrives at the callback of another provider", RefusedBy: oauth.CheckEntry},
	{Name: replayed, Summary: "the callback is opened a second time", Survives: "the code was redeemed once; the second arrival got the session that the first one made"},
}

func refused(c oauth.Check) Fault { return Fault{RefusedBy: c} }
func survives(what string) Fault  { return Fault{Survives: what} }

// providerFates says what becomes of each fault of the provider.
var providerFates = map[string]Fault{
	"discovery-500":          refused(oauth.CheckDiscovery),
	"discovery-html":         refused(oauth.CheckDiscovery),
	"discovery-wrong-issuer": refused(oauth.CheckDiscoveryIssuer),

	"access-denied":        refused(oauth.CheckProviderAnswer),
	"server-error":         refused(oauth.CheckProviderAnswer),
	"wrong-state":          refused(oauth.CheckState),
	"wrong-response-iss":   refused(oauth.CheckResponseIssuer),
	"missing-response-iss": refused(oauth.CheckResponseIssuer),
	"error-and-code":       refused(oauth.CheckProviderAnswer),
	"duplicate-code":       refused(oauth.CheckQuery),

	"token-slow":             refused(oauth.CheckTokenHTTP),
	"token-500":              refused(oauth.CheckTokenHTTP),
	"token-html":             refused(oauth.CheckTokenHTTP),
	"token-error-200":        refused(oauth.CheckTokenAnswer),
	"token-redirect":         refused(oauth.CheckTokenHTTP),
	"token-huge":             refused(oauth.CheckTokenHTTP),
	"token-truncated":        refused(oauth.CheckTokenHTTP),
	"token-duplicate-member": refused(oauth.CheckTokenHTTP),
	"token-type-mac":         refused(oauth.CheckTokenType),
	"token-type-lowercase":   survives("the type of a token is compared without regard to case"),
	"expires-in-text":        survives("a lifetime that is not a number counts as unknown: the token is used until it is refused"),
	"expires-in-negative":    survives("the token counts as expired at once and is refreshed before it is used"),
	"expires-in-huge":        survives("the lifetime is clamped; nothing overflows"),
	"expires-in-float":       survives("the fraction is cut off"),
	"expires-in-missing":     survives("an unknown lifetime is no endless one: the token is used until it is refused"),
	"scope-empty":            refused(oauth.CheckScope),
	"scope-narrowed":         refused(oauth.CheckScope),
	"scope-missing":          survives("an answer without scope means: as asked for"),
	"missing-id-token":       refused(oauth.CheckIDToken),
	"refresh-invalid-grant":  refused(oauth.CheckTokenAnswer),
	"refresh-no-rotation":    survives("without a new refresh token the old one is kept"),
	"refresh-no-expiry":      survives("an unknown lifetime is no endless one: the token is used until it is refused"),
	"refresh-other-sub":      refused(oauth.CheckRefresh),

	"wrong-nonce":      refused(oauth.CheckNonce),
	"missing-nonce":    refused(oauth.CheckNonce),
	"wrong-issuer":     refused(oauth.CheckIssuer),
	"wrong-audience":   refused(oauth.CheckAudience),
	"extra-audience":   refused(oauth.CheckAudience),
	"expired-token":    refused(oauth.CheckExpiry),
	"issued-in-future": refused(oauth.CheckIssuedAt),
	"missing-sub":      refused(oauth.CheckSubject),
	"wrong-at-hash":    refused(oauth.CheckTokenHash),
	"alg-none":         refused(oauth.CheckAlgorithm),
	"alg-hs256":        refused(oauth.CheckAlgorithm),
	"bad-signature":    refused(oauth.CheckSignature),
	"unknown-key":      refused(oauth.CheckKey),
	"late-key":         survives("the key set is read once more when a key is not in it"),

	"jwks-500":          refused(oauth.CheckKey),
	"jwks-strange-keys": survives("keys that cannot be used are left out; the good one works"),

	"userinfo-500":       refused(oauth.CheckUserInfo),
	"userinfo-html":      refused(oauth.CheckUserInfo),
	"userinfo-array":     refused(oauth.CheckUserInfo),
	"userinfo-other-sub": refused(oauth.CheckUserInfoSubject),

	"api-401-once": survives("the token was refreshed and the request made once more"),
}
