package oauth

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Step is one of the four steps of the flow, plus what comes before them.
type Step int

// The steps, in the order in which every login runs through them.
const (
	StepConfigure Step = iota // configuration, discovery, keys
	StepAuthorize             // 1: the authorization URL
	StepCallback              // 2: the user returns
	StepTokens                // 3: code for tokens, ID token verified
	StepUse                   // 4: userinfo, APIs, refresh
)

// String returns "Step 1" to "Step 4", or "Setup".
func (s Step) String() string {
	if s == StepConfigure {
		return "Setup"
	}
	return fmt.Sprintf("Step %d", int(s))
}

// Fault says whose fault an error is, which is what an HTTP server needs to
// know to answer it.
type Fault int

// Whose fault it is, with the status that an app answers.
const (
	FaultCaller      Fault = iota // the program that uses this package: 500
	FaultBrowser                  // what the browser sent: 400
	FaultProvider                 // what the provider answered: 502
	FaultUnavailable              // the provider could not be reached or asked to wait: 503
	FaultDenied                   // the person or a policy said no: 403
)

// Check names one thing that is verified on the way through a login. The names
// are stable: tests, logs and the trace use them.
type Check string

// The checks, in the order in which a login meets them.
const (
	CheckConfiguration   Check = "configuration"             // the configuration is complete and consistent
	CheckDiscovery       Check = "discovery"                 // the metadata document can be used
	CheckDiscoveryIssuer Check = "discovery-issuer"          // it names the issuer that was asked for
	CheckEndpoint        Check = "endpoint"                  // an endpoint is https and not an inner address
	CheckQuery           Check = "callback-query"            // each parameter once, well formed, in its place
	CheckState           Check = "state"                     // the state is one that we sealed
	CheckStateAge        Check = "state-age"                 // it was sealed minutes, not hours ago
	CheckBrowser         Check = "same-browser"              // it was sealed for this browser
	CheckEntry           Check = "provider-entry"            // the provider is still configured as it was at the start
	CheckResponseIssuer  Check = "response-issuer"           // RFC 9207: the answer names the right issuer
	CheckSingleUse       Check = "single-use"                // this login has not been completed before
	CheckProviderAnswer  Check = "provider-answer"           // the provider answered with a code, not an error
	CheckTokenHTTP       Check = "token-http"                // the token endpoint answered 200 with JSON
	CheckTokenAnswer     Check = "token-answer"              // no error member; an access token that can be used
	CheckTokenType       Check = "token-type"                // the token is a bearer token
	CheckScope           Check = "scope"                     // what was granted covers what the app needs
	CheckIDToken         Check = "id-token"                  // an ID token came, and is a signed compact JWT
	CheckAlgorithm       Check = "id-token-algorithm"        // signed with an algorithm that is allowed here
	CheckKey             Check = "id-token-key"              // the key is one of the issuer's
	CheckSignature       Check = "id-token-signature"        // the signature verifies
	CheckIssuer          Check = "id-token-issuer"           // iss
	CheckSubject         Check = "id-token-subject"          // sub
	CheckAudience        Check = "id-token-audience"         // aud
	CheckAuthorizedParty Check = "id-token-authorized-party" // azp
	CheckExpiry          Check = "id-token-expiry"           // exp
	CheckIssuedAt        Check = "id-token-issued-at"        // iat
	CheckNotBefore       Check = "id-token-not-before"       // nbf
	CheckNonce           Check = "id-token-nonce"            // nonce
	CheckTokenHash       Check = "id-token-at-hash"          // at_hash
	CheckAuthTime        Check = "id-token-auth-time"        // auth_time against max_age
	CheckACR             Check = "id-token-acr"              // acr against what was asked for
	CheckClaim           Check = "id-token-claim"            // a claim that this provider's entry demands, such as hd
	CheckUserInfo        Check = "userinfo"                  // the userinfo answer can be used
	CheckUserInfoSubject Check = "userinfo-subject"          // it speaks of the same person as the ID token
	CheckProfile         Check = "profile"                   // the account has the identity that the app needs
	CheckRefresh         Check = "refresh"                   // a refresh answer belongs to the same grant
	CheckAPI             Check = "api"                       // the API accepted the token
)

// The checks after a login: giving tokens back, and logout.
const (
	CheckRevocation    Check = "revocation"     // the provider took the tokens back
	CheckEndSession    Check = "end-session"    // the browser can be sent to the provider's logout
	CheckLogoutRequest Check = "logout-request" // a POST with one logout token
	CheckLogoutToken   Check = "logout-token"   // a signed compact JWT that is a logout token

	CheckLogoutAlgorithm Check = "logout-token-algorithm"  // signed with an algorithm that is allowed here
	CheckLogoutKey       Check = "logout-token-key"        // the key is one of the issuer's
	CheckLogoutSignature Check = "logout-token-signature"  // the signature verifies
	CheckLogoutIssuer    Check = "logout-token-issuer"     // iss
	CheckLogoutAudience  Check = "logout-token-audience"   // aud
	CheckLogoutExpiry    Check = "logout-token-expiry"     // exp
	CheckLogoutIssuedAt  Check = "logout-token-issued-at"  // iat
	CheckLogoutNotBefore Check = "logout-token-not-before" // nbf
	CheckLogoutEvents    Check = "logout-token-events"     // events
	CheckLogoutNonce     Check = "logout-token-nonce"      // there is none
	CheckLogoutSubject   Check = "logout-token-subject"    // sub or sid
	CheckLogoutID        Check = "logout-token-id"         // jti
)

// Error is why a step was refused or failed. Branch on Check, or on Fault to
// choose an HTTP status; the text is for people and may change. No field holds
// a secret, and what a provider or a browser sent is shortened and reduced to
// printable characters.
type Error struct {
	Step     Step
	Check    Check
	Fault    Fault
	Expected string // what would have been right, if that can be said
	Got      string // what came instead
	Reason   string // one sentence without full stop
	Cure     string // what the reader can do about it, if there is something
	// Status is that of the HTTP answer that was refused; zero if there was none.
	Status int
	// RetryAfter is how long the provider asked to wait, at most a minute; zero if it did not.
	RetryAfter time.Duration
	Err        error // the cause, if there is one
}

// Error returns the reason with what was expected and what came.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Check))
	b.WriteString(": ")
	b.WriteString(e.Reason)
	if e.Expected != "" || e.Got != "" {
		fmt.Fprintf(&b, " (expected %s, got %s)", orNothing(e.Expected), orNothing(e.Got))
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	if e.Cure != "" {
		b.WriteString("; ")
		b.WriteString(e.Cure)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// CheckOf returns the check that refused, or "" if err is not from this package.
func CheckOf(err error) Check {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Check
	}
	return ""
}

// FaultOf returns whose fault err is; FaultCaller if err is not from this package.
func FaultOf(err error) Fault {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fault
	}
	return FaultCaller
}

// ProviderError is an error that the provider itself reported, in the callback
// (RFC 6749 section 4.1.2.1) or at the token endpoint (section 5.2). It is the
// cause inside an Error. Its texts are the provider's words: untrusted,
// shortened, printable ASCII only, and not for pages.
type ProviderError struct {
	Code        string // such as "access_denied" or "invalid_grant"
	Description string
	Status      int // of the HTTP answer; 0 if it came through the browser
}

// Error returns the code, and the description if there is one.
func (e *ProviderError) Error() string {
	if e.Description == "" {
		return "the provider says " + e.Code
	}
	return fmt.Sprintf("the provider says %s: %q", e.Code, e.Description)
}

// ProviderCode returns the error code that the provider reported, or "".
func ProviderCode(err error) string {
	if e, ok := errors.AsType[*ProviderError](err); ok {
		return e.Code
	}
	return ""
}

// ConfigError is one mistake in a Config. New returns all of them joined.
type ConfigError struct {
	Provider string // the name of the provider's entry
	Field    string // of Config
	Reason   string
	Cure     string
}

// Error names the provider, the field, the reason and the cure.
func (e *ConfigError) Error() string {
	s := e.Field + ": " + e.Reason
	if e.Provider != "" {
		s = "provider " + e.Provider + ": " + s
	}
	if e.Cure != "" {
		s += "; " + e.Cure
	}
	return s
}

// printable makes text from outside fit for an error or a log: printable ASCII
// without quotes and backslashes (the set of RFC 6749 section 4.1.2.1), at
// most 200 bytes.
func printable(s string) string {
	const most = 200
	out := make([]byte, 0, min(len(s), most))
	for i := 0; i < len(s) && len(out) < most; i++ {
		c := s[i]
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}
