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
	expires  time.Time     // of the row
}

// grantFormat guards against reading a row of another version.
const grantFormat = 1

var errFormat = errors.New("grant record has another format")

// sealedGrant is the form in which a grant is sealed. It may be JSON: reading it
// costs little beside the call to an API that it is read for.
type sealedGrant struct {
	Format   int    `json:"v"`
	Provider string `json:"p"`
	Login    string `json:"l,omitempty"`
	Tokens   []byte `json:"t,omitempty"`
}

func (g *grant) encode() ([]byte, error) {
	s := sealedGrant{Format: grantFormat, Provider: g.provider, Login: g.login}
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
	if err := json.Unmarshal(b, &s); err != nil || s.Format != grantFormat {
		return nil, errFormat
	}
	g := &grant{provider: s.Provider, login: s.Login}
	if s.Tokens != nil {
		var err error
		if g.tokens, err = oauth.UnmarshalSealed(s.Tokens); err != nil {
			return nil, errFormat
		}
	}
	return g, nil
}
