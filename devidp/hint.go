package devidp

import (
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// hint is what an id_token_hint says.
type hint struct{ clientID, subject, sid string }

// readHint verifies an ID token of ours. One that has expired is as good as any
// (OpenID Connect RP-Initiated Logout section 2).
func (s *Server) readHint(raw string) (hint, error) {
	refused := errors.New("the id_token_hint is not an ID token of this provider")
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{s.keys.algorithm})
	if err != nil {
		return hint{}, refused
	}
	key, err := s.keys.main()
	if err != nil {
		return hint{}, err
	}
	payload, err := signed.Verify(key.Public().Key)
	if err != nil {
		return hint{}, refused
	}
	var claims struct {
		Iss, Sub, Aud, Sid string
		Events             any
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Iss != s.options.Issuer || claims.Aud == "" || claims.Events != nil {
		return hint{}, refused
	}
	return hint{claims.Aud, claims.Sub, claims.Sid}, nil
}
