package devidp

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// Fault is one way in which the provider can misbehave.
type Fault struct {
	// Name switches it on.
	Name string

	// Where it shows: discovery, jwks, authorize, token, id_token, userinfo or
	// api; after a login, revocation or logout.
	Where string

	// Summary says what the provider then does, in one line.
	Summary string
}

// Faults lists every fault of a login, in the order in which a login would meet them. When
// several that replace a whole answer are on, the first one in this list wins.
func Faults() []Fault { return slices.Clone(faultList) }

// LogoutFaults lists those that show after a login. They are switched on in the
// same way.
func LogoutFaults() []Fault { return slices.Clone(logoutFaultList) }

var faultList = []Fault{
	{"discovery-500", "discovery", "metadata requests answer 500"},
	{"discovery-html", "discovery", "metadata requests answer 200 with an HTML page"},
	{"discovery-wrong-issuer", "discovery", "the metadata names another issuer: ours with a slash appended"},

	{"access-denied", "authorize", "every authorization request is answered with error=access_denied, without asking anyone"},
	{"server-error", "authorize", "every authorization request is answered with error=server_error"},
	{"wrong-state", "authorize", "the response echoes another state"},
	{"wrong-response-iss", "authorize", "the iss parameter (RFC 9207) names another issuer"},
	{"missing-response-iss", "authorize", "the iss parameter is left out although the metadata promises it"},
	{"error-and-code", "authorize", "a successful response carries error=access_denied as well"},
	{"duplicate-code", "authorize", "a successful response carries two code parameters"},

	{"token-slow", "token", "the answer takes 15 seconds; hanging up ends the wait"},
	{"token-500", "token", "requests answer 500 with plain text, and nothing is redeemed"},
	{"token-html", "token", "requests answer 200 with an HTML page, and nothing is redeemed"},
	{"token-error-200", "token", "requests answer 200 with a JSON error object, and nothing is redeemed"},
	{"token-redirect", "token", "requests answer 307 to /token/elsewhere, which only counts who follows"},
	{"refresh-invalid-grant", "token", "refresh requests answer invalid_grant, and nothing is redeemed"},
	{"token-huge", "token", "the answer is a JSON string of 256 MiB; hanging up ends it"},
	{"token-truncated", "token", "the connection ends in the middle of the answer"},
	{"token-duplicate-member", "token", "the answer has access_token twice, with different values"},
	{"token-type-mac", "token", `token_type is "mac"`},
	{"token-type-lowercase", "token", `token_type is "bearer", which is legal`},
	{"expires-in-text", "token", `expires_in is a string, such as "600"`},
	{"expires-in-negative", "token", "expires_in is -1"},
	{"expires-in-huge", "token", "expires_in is 9223372037 seconds, one more than 64 bits of nanoseconds hold"},
	{"expires-in-float", "token", "expires_in has a fraction, such as 599.9"},
	{"expires-in-missing", "token", "expires_in is left out, which is legal"},
	{"scope-empty", "token", `scope is "", and the access token opens nothing`},
	{"scope-narrowed", "token", "only the first requested scope is granted, and scope says so"},
	{"scope-missing", "token", "scope is left out, which is legal and means: as requested"},
	{"missing-id-token", "token", "the answer has no id_token"},
	{"refresh-no-rotation", "token", "refresh answers have no refresh_token, and the old one stays good"},
	{"refresh-no-expiry", "token", "refresh answers have no expires_in"},
	{"refresh-other-sub", "id_token", "the ID token in a refresh answer is about somebody else"},

	{"wrong-nonce", "id_token", "nonce is not the one that was sent"},
	{"missing-nonce", "id_token", "nonce is left out"},
	{"wrong-issuer", "id_token", "iss is another issuer: ours with a slash appended"},
	{"wrong-audience", "id_token", "aud is another client, whose id begins with this one's"},
	{"extra-audience", "id_token", "aud lists this client and a stranger, without azp"},
	{"expired-token", "id_token", "exp was an hour ago"},
	{"issued-in-future", "id_token", "iat is an hour from now"},
	{"missing-sub", "id_token", "sub is left out"},
	{"wrong-at-hash", "id_token", "at_hash is that of another access token"},
	{"alg-none", "id_token", `alg is "none" and the signature empty`},
	{"alg-hs256", "id_token", "alg is HS256, keyed with the public key in PEM form"},
	{"bad-signature", "id_token", "one bit of the signature is flipped"},
	{"unknown-key", "id_token", "kid and signing key are not in the JWKS"},
	{"late-key", "id_token", "the signing key is missing from the first JWKS answer since start, and in all later ones"},

	{"jwks-500", "jwks", "JWKS requests answer 500"},
	{"jwks-strange-keys", "jwks", "in front of the good key stand one of unknown type, a private one, a symmetric one, a 512-bit RSA key, one for encryption and null"},

	{"userinfo-500", "userinfo", "requests answer 500"},
	{"userinfo-html", "userinfo", "requests answer 200 with an HTML page"},
	{"userinfo-array", "userinfo", "the claims come inside an array"},
	{"userinfo-other-sub", "userinfo", "sub is somebody else's"},

	{"api-401-once", "api", "the first resource request since the fault was switched on answers 401 invalid_token"},
}

var logoutFaultList = []Fault{
	{"revocation-503-once", "revocation", "the first revocation request since the fault was switched on answers 503 with Retry-After: 1, and nothing is revoked"},
	{"revocation-slow", "revocation", "the answer takes 15 seconds; hanging up ends the wait, and nothing is revoked"},

	{"end-session-missing", "logout", "the metadata names no end_session_endpoint"},
	{"logout-nonce", "logout", "the logout token has a nonce"},
	{"logout-no-events", "logout", "the logout token has no events"},
	{"logout-wrong-audience", "logout", "aud of the logout token is another client, whose id begins with this one's"},
	{"logout-expired", "logout", "exp of the logout token was an hour ago"},
	{"logout-replayed", "logout", "each logout token is sent twice"},
}

// faults is the set that is on, fixed when it is made. A request reads it once,
// so that switching cannot change an answer half way.
type faults struct {
	on      map[string]bool
	refused atomic.Bool // api-401-once has happened
	busy    atomic.Bool // revocation-503-once has happened
}

func newFaults(names []string) *faults {
	f := &faults{on: map[string]bool{}}
	for _, name := range names {
		f.on[name] = true
	}
	return f
}

func (f *faults) has(name string) bool { return f.on[name] }

func checkFaults(names []string) error {
	var unknown []error
	for _, name := range names {
		if !slices.ContainsFunc(slices.Concat(faultList, logoutFaultList), func(f Fault) bool { return f.Name == name }) {
			unknown = append(unknown, fmt.Errorf("unknown fault %q", name))
		}
	}
	return errors.Join(unknown...)
}

// SetFaults makes exactly these the faults that are on; none at all switches
// every fault off. An unknown name is an error, and then nothing changes.
// Requests already being answered keep the faults they began with.
func (s *Server) SetFaults(names ...string) error {
	if err := checkFaults(names); err != nil {
		return err
	}
	s.faults.Store(newFaults(names))
	return nil
}

// ActiveFaults returns the names of the faults that are on, sorted.
func (s *Server) ActiveFaults() []string {
	return slices.Sorted(maps.Keys(s.faults.Load().on))
}

// switchFaults answers the form on the front page: the faults named by its
// fault parameters are on afterwards, all others off.
func (s *Server) switchFaults(w http.ResponseWriter, c *call) {
	if err := s.SetFaults(c.params["fault"]...); err != nil {
		s.problem(w, http.StatusBadRequest, "Nothing was changed", strings.ReplaceAll(err.Error(), "\n", ", "))
		return
	}
	http.Redirect(w, c.Request, s.base+"/", http.StatusSeeOther)
}

// writeHTML is what a proxy or firewall in between would answer.
func writeHTML(w http.ResponseWriter) {
	writeBody(w, http.StatusOK, "text/html; charset=utf-8", []byte("<!doctype html><title>Hello</title><h1>Not what you asked for</h1>\n"))
}

func writeFailure(w http.ResponseWriter) {
	http.Error(w, "the provider was told to fail", http.StatusInternalServerError)
}
