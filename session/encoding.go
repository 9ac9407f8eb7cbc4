package session

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/wayleave/wayleave/store"
)

// format is the first byte of a session record. A record with another one is
// no session: after an upgrade people sign in again rather than being misread.
const format = 3

var errFormat = errors.New("session record has another format")

// encode writes the fields in fixed order; times are kept to the millisecond.
func (s *Session) encode() []byte {
	b := make([]byte, 0, 512)
	b = append(b, format)
	for _, text := range []string{s.ID, s.Provider, s.Issuer, s.Subject, s.Email, s.Name, s.Picture, s.Login, s.ACR, s.ProviderIssuer, s.ProviderSubject, s.ProviderSession, s.Device} {
		b = appendText(b, text)
	}
	var flags byte
	if s.EmailVerified {
		flags |= 1
	}
	b = append(b, flags)
	b = appendTexts(appendTexts(b, s.AMR), s.Scopes)
	b = binary.AppendUvarint(b, uint64(len(s.Claims)))
	for _, name := range slices.Sorted(maps.Keys(s.Claims)) {
		b = appendTexts(appendText(b, name), s.Claims[name])
	}
	b = append(b, s.Grant[:]...)
	for _, t := range []time.Time{s.Created, s.AuthTime, s.ProviderTime, s.LastSeen, s.Expires} {
		b = binary.AppendVarint(b, t.UnixMilli())
	}
	return b
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

// decode reads what encode wrote. All texts share one allocation.
func decode(b []byte) (*Session, error) {
	if len(b) == 0 || b[0] != format {
		return nil, errFormat
	}
	all, at, bad := string(b), 1, false
	number := func() uint64 {
		v, n := binary.Uvarint(b[at:])
		if n <= 0 {
			bad = true
			return 0
		}
		at += n
		return v
	}
	take := func(n uint64) string {
		if bad || n > uint64(len(b)-at) {
			bad = true
			return ""
		}
		s := all[at : at+int(n)]
		at += int(n)
		return s
	}
	s := &Session{}
	for _, into := range []*string{&s.ID, &s.Provider, &s.Issuer, &s.Subject, &s.Email, &s.Name, &s.Picture, &s.Login, &s.ACR, &s.ProviderIssuer, &s.ProviderSubject, &s.ProviderSession, &s.Device} {
		*into = take(number())
	}
	flags := take(1)
	s.EmailVerified = flags == "\x01"
	texts := func() (list []string) {
		for n := number(); n > 0 && !bad; n-- {
			list = append(list, take(number()))
		}
		return list
	}
	s.AMR, s.Scopes = texts(), texts()
	for n := number(); n > 0 && !bad; n-- {
		if s.Claims == nil {
			s.Claims = map[string][]string{}
		}
		name := take(number())
		s.Claims[name] = texts()
	}
	copy(s.Grant[:], take(uint64(len(store.Key{}))))
	for _, into := range []*time.Time{&s.Created, &s.AuthTime, &s.ProviderTime, &s.LastSeen, &s.Expires} {
		v, n := binary.Varint(b[min(at, len(b)):])
		if n <= 0 {
			bad = true
			break
		}
		at += n
		if v != (time.Time{}).UnixMilli() {
			*into = time.UnixMilli(v)
		}
	}
	if bad || at != len(b) {
		return nil, errFormat
	}
	return s, nil
}
