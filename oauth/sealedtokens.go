package oauth

import (
	"encoding/json"
	"time"
)

// storedTokens is the form of Tokens for storage. It holds the secrets in
// clear and must be sealed by whoever stores it.
type storedTokens struct {
	Access         string    `json:"a"`
	Type           string    `json:"t"`
	Refresh        string    `json:"r,omitempty"`
	RefreshExpires time.Time `json:"rx,omitzero"`
	Expires        time.Time `json:"x,omitzero"`
	Scopes         []string  `json:"s"` // null and empty differ
	Extra          Claims    `json:"e"`
	Nonce          string    `json:"n,omitempty"`
	IDToken        *IDToken  `json:"i,omitempty"`
	RawIDToken     string    `json:"ir,omitempty"`
}

// MarshalSealed returns the tokens in a form that UnmarshalSealed reads. The
// result holds the secrets in clear: seal it before it is stored anywhere.
func (t *Tokens) MarshalSealed() ([]byte, error) {
	s := storedTokens{
		Access: t.AccessToken.Reveal(), Type: t.Type, Refresh: t.RefreshToken.Reveal(), RefreshExpires: t.RefreshExpires,
		Expires: t.Expires, Scopes: t.Scopes, Extra: t.Extra, Nonce: t.nonce.Reveal(), IDToken: t.IDToken,
	}
	if t.IDToken != nil {
		s.RawIDToken = t.IDToken.raw.Reveal()
	}
	return json.Marshal(s)
}

// UnmarshalSealed reads what MarshalSealed wrote. The bytes must come out of a
// seal: an ID token in them counts as verified.
func UnmarshalSealed(b []byte) (*Tokens, error) {
	var s storedTokens
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, err
	}
	t := &Tokens{
		AccessToken: NewSecret(s.Access), Type: s.Type, RefreshToken: NewSecret(s.Refresh), RefreshExpires: s.RefreshExpires,
		Expires: s.Expires, Scopes: s.Scopes, Extra: s.Extra, IDToken: s.IDToken, nonce: NewSecret(s.Nonce),
	}
	if t.IDToken != nil {
		t.IDToken.raw = NewSecret(s.RawIDToken)
	}
	return t, nil
}
