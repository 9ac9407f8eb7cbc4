// Package devidp is a development identity provider: OpenID Connect and
// OAuth 2.0 with a few ready-made people who sign in without a password, a
// consent page, and a small resource API (accounts and transactions).
//
// In a test, use package devidptest, which starts one on a free port:
//
//	idp := devidptest.New(t)
//	callback, err := devidptest.SignIn(http.DefaultClient, authorizationURL, "ada", true)
//
// Anywhere else, [New] makes an [http.Handler]. It belongs on a loopback
// address: whoever reaches it can be anybody. [ListenAddressAllowed] is the
// check a command makes before it listens.
//
// # Hostile on purpose
//
// An application that works here should meet no surprise elsewhere. So the
// provider is strict: PKCE with S256 is demanded, redirect URIs and secrets are
// compared exactly, an authorization code works once and a second use revokes
// what the first one obtained, refresh tokens rotate and a reused one ends its
// whole family. Keys, codes and tokens are new at each start, nothing is
// written to disk, and codes contain characters ("/", "+", "=") that a careless
// client forgets to encode. There is no production mode.
//
// Beyond that it misbehaves when told to: [Faults] lists what it can get
// wrong, [Options.Faults] and [Server.SetFaults] switch it on by name, and so
// does a form post to /faults, which the provider's own front page offers.
//
// # Like the large providers
//
// A refresh token is issued when the client asks for it (scope offline_access,
// or access_type=offline as Google has it) and only when the person was asked
// for consent in this very login. That is the first time, and every time with
// prompt=consent. A client that relies on getting one at each login finds out
// here.
//
// # Logout
//
// A browser that comes to /end-session is signed out here, without being asked
// (OpenID Connect RP-Initiated Logout), and so is a person by
// [Server.EndSessions]. Each client that was answered in such a session is told
// over the channels that [Options.LogoutChannels] names for it: a logout token
// to its back channel, and a frame for its front channel. Grants stay: to give
// them back, at /revoke, is the client's part.
//
// # Endpoints
//
// All live under the path of the issuer: /.well-known/openid-configuration,
// /jwks, /authorize (with its pages /signin and /consent), /token, /revoke,
// /end-session, /userinfo, /api/accounts, /api/transactions,
// /people/{subject}/picture.svg, /faults, and / for people. RFC 8414 metadata is served where that standard puts it.
//
// The package imports nothing else of this module. It shares only the wire
// with the code it is there to test, so that a mistake in one cannot hide in
// the other.
package devidp
