package assertion_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/wayleave/wayleave/gateway/assertion"
	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store/memory"
)

const site = "https://app.example"

func newSigner(t testing.TB, keys ...[]byte) *assertion.Signer {
	t.Helper()
	ring, err := seal.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := assertion.New(ring, site)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func key(n byte) []byte { return bytes.Repeat([]byte{n, 0xa5, 7, n ^ 0xff}, 8) }

// signIn makes a session that lives for an hour without requests.
func signIn(t testing.TB, lives time.Duration) *session.Session {
	t.Helper()
	ring := seal.NewRandomRing()
	db := memory.New(memory.Options{})
	t.Cleanup(func() { db.Close() })
	m := session.NewManager(db, ring, index.New(db, ring), site, session.Lifetimes{Idle: lives, Absolute: lives})
	_, made, _, err := m.Create(context.Background(), session.Session{User: session.User{ID: "u1", Provider: "acme", Subject: "ada", Email: "ada@acme.example", EmailVerified: true}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func claims(t testing.TB, s *assertion.Signer, token string) (c assertion.Claims, kid string) {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(s.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	kid = parsed.Headers[0].KeyID
	if err := parsed.Claims(set.Key(kid)[0], &c); err != nil {
		t.Fatal(err)
	}
	return c, kid
}

// TestPRX22_AnAssertionIsUsedForAMinute, and is good for two.
func TestPRX22_AnAssertionIsUsedForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ses := newSigner(t, key(1)), signIn(t, time.Hour)
		sign := func(ses *session.Session, audience string) string {
			t.Helper()
			token, err := s.Sign(ses, nil, audience)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		first := sign(ses, "one")
		if c, _ := claims(t, s, first); c.Expires-c.IssuedAt != 120 || c.IssuedAt != time.Now().Unix() || c.Issuer != site || c.Audience != "one" || c.Email != "ada@acme.example" {
			t.Errorf("it says %+v", c)
		}
		time.Sleep(time.Minute - time.Second)
		if sign(ses, "one") != first {
			t.Error("another one within the minute")
		}
		if sign(ses, "two") == first || sign(signIn(t, time.Hour), "one") == first {
			t.Error("the same for another audience or session")
		}
		time.Sleep(time.Second)
		again := sign(ses, "one")
		if again == first {
			t.Error("still the same after a minute")
		}
		if c, _ := claims(t, s, again); c.Expires != time.Now().Unix()+120 {
			t.Errorf("it says %+v", c)
		}
	})
}

// TestPRX22_AnAssertionEndsWithItsSession at the latest.
func TestPRX22_AnAssertionEndsWithItsSession(t *testing.T) {
	s, ses := newSigner(t, key(1)), signIn(t, 30*time.Second)
	token, err := s.Sign(ses, nil, "one")
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := claims(t, s, token); c.Expires != ses.Expires.Unix() {
		t.Errorf("it expires at %d, and the session at %d", c.Expires, ses.Expires.Unix())
	}
}

// TestPRX22_KeysComeFromTheRing: the same in every process, another one for each
// ring key, and the first one signs.
func TestPRX22_A251_KeysComeFromTheRing(t *testing.T) {
	kid := func(s *assertion.Signer) string {
		t.Helper()
		token, err := s.Sign(signIn(t, time.Hour), nil, "one")
		if err != nil {
			t.Fatal(err)
		}
		_, kid := claims(t, s, token)
		return kid
	}
	one, two := kid(newSigner(t, key(1))), kid(newSigner(t, key(2)))
	if one == two || kid(newSigner(t, key(1))) != one {
		t.Error("the key is not the ring key's")
	}
	if kid(newSigner(t, key(1), key(2))) != one || kid(newSigner(t, key(2), key(1))) != two {
		t.Error("another key than the first one signs")
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(newSigner(t, key(2), key(1)).KeySet(), &set); err != nil || len(set.Keys) != 2 || set.Keys[0]["kid"] != two || set.Keys[1]["kid"] != one {
		t.Errorf("%v, the set is %v", err, set)
	}
	for _, k := range set.Keys {
		if _, private := k["d"]; private {
			t.Error("A251 a key of the set is private")
		}
	}
}
