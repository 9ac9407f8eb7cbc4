package vault

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

// grant is a row, opened.
type grant struct {
	provider string        // name of the provider's entry
	login    string        // public id of the login that made it
	tokens   *oauth.Tokens // nil if the grant has ended at the provider

	user  string    // of a kept grant; empty in that of a session
	since time.Time // a kept grant exists, or was granted anew
	// kept is the row that owns the tokens, where a session refers to a kept
	// grant. Then tokens holds the login's ID token alone.
	kept ID

	renewed  time.Time // last, because an API refused the token
	held     bool      // somebody refreshes it, or did when they died; see holding
	revoking *revoking // not nil: given up, and only here to be revoked

	expires time.Time // of the row
}

// revoking is what is known of attempts to revoke.
type revoking struct {
	Attempts int       `json:"a"`
	Next     time.Time `json:"x"`
}

// ended reports whether nobody may use the grant any more.
func (g *grant) ended() bool { return g.tokens == nil || g.revoking != nil }

// grantFormat guards against reading a row of another version.
const grantFormat = 2

var errFormat = errors.New("grant record has another format")

// sealedGrant is the form in which a grant is sealed. It may be JSON: reading it
// costs little beside the call to an API that it is read for.
type sealedGrant struct {
	Format   int       `json:"v"`
	Provider string    `json:"p"`
	Login    string    `json:"l,omitempty"`
	Tokens   []byte    `json:"t,omitempty"`
	User     string    `json:"u,omitempty"`
	Since    time.Time `json:"s,omitzero"`
	Kept     []byte    `json:"k,omitempty"`
	Renewed  time.Time `json:"r,omitzero"`
	Held     bool      `json:"h,omitempty"`
	Revoking *revoking `json:"o,omitempty"`
}

func (g *grant) encode() ([]byte, error) {
	s := sealedGrant{Format: grantFormat, Provider: g.provider, Login: g.login, User: g.user, Since: g.since,
		Renewed: g.renewed, Held: g.held, Revoking: g.revoking}
	if g.kept != (ID{}) {
		s.Kept = g.kept[:]
	}
	if g.tokens != nil {
		var err error
		if s.Tokens, err = g.tokens.MarshalSealed(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(s)
}

func decodeGrant(b []byte) (*grant, error) {
	var s sealedGrant
	if err := json.Unmarshal(b, &s); err != nil || s.Format != grantFormat || len(s.Kept) != 0 && len(s.Kept) != len(ID{}) {
		return nil, errFormat
	}
	g := &grant{provider: s.Provider, login: s.Login, user: s.User, since: s.Since,
		renewed: s.Renewed, held: s.Held, revoking: s.Revoking}
	copy(g.kept[:], s.Kept)
	if s.Tokens != nil {
		var err error
		if g.tokens, err = oauth.UnmarshalSealed(s.Tokens); err != nil {
			return nil, errFormat
		}
	}
	return g, nil
}
