package oauth

import (
	"strconv"
	"time"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// Claims are what a provider says about a person: the members of a verified ID
// token, or of a userinfo answer. Names are compared byte for byte.
//
// A claim that is null or an empty string is absent (OpenID Connect Core
// section 5.3.2). Each accessor returns the zero value for a claim that is
// absent or of another type: a number is no string, and "true" is not true.
// Claims say nothing about who said so; see where you have them from. E-mail
// addresses in particular are for anyone to claim unless email_verified is true.
//
// The zero Claims are empty. Claims are immutable and safe for concurrent use.
type Claims struct {
	object strictjson.Object
}

// claimsLimit bounds claims that come back from storage.
const claimsLimit = 1 << 20

func newClaims(o strictjson.Object) Claims { return Claims{object: o} }

func present(v strictjson.Value) bool {
	switch v.Kind() {
	case strictjson.KindMissing, strictjson.KindNull:
		return false
	case strictjson.KindString:
		s, _, _ := v.AsString()
		return s != ""
	}
	return true
}

// Has reports whether a claim is present.
func (c Claims) Has(name string) bool { return present(c.object.Get(name)) }

// Contains reports whether there is something other than null or an empty
// string at a path; see [Claims.Lookup].
func (c Claims) Contains(path string) bool { return present(c.object.Path(path)) }

// String returns a claim that is a string.
func (c Claims) String(name string) string {
	s, _, _ := c.object.String(name)
	return s
}

// Bool reports whether a claim is the boolean true.
func (c Claims) Bool(name string) bool {
	b, _, _ := c.object.Bool(name)
	return b
}

// Strings returns a claim that is an array of strings, or a string as the only one.
func (c Claims) Strings(name string) []string {
	if !c.Has(name) {
		return nil
	}
	list, _, _ := c.object.OneOrMore(name)
	return list
}

// Int returns a claim that is an integer of 64 bits, written without fraction
// and exponent; ok is false for anything else.
func (c Claims) Int(name string) (n int64, ok bool) {
	text, _, _ := c.object.Number(name)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Time returns a claim that is a NumericDate, seconds since 1970 (RFC 7519
// section 2); the zero time if it is not one, or beyond the year 9999.
func (c Claims) Time(name string) time.Time {
	text, _, _ := c.object.Number(name)
	t, err := strictjson.NumericDate(text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Object returns a claim that is an object, such as address.
func (c Claims) Object(name string) Claims {
	o, _, _ := c.object.Object(name)
	return newClaims(o)
}

// Lookup returns the text at a path of member names and array indexes, such as
// "data.email" or "emails.0.value". At each object the longest name that fits
// is taken, so that "https://slack.com/user_id" is a path too. Strings come as
// they are, numbers and booleans as they were written; ok is false if there is
// nothing, an empty string, null, an object or an array.
func (c Claims) Lookup(path string) (text string, ok bool) {
	switch v := c.object.Path(path); v.Kind() {
	case strictjson.KindString:
		text, _, _ = v.AsString()
	case strictjson.KindNumber, strictjson.KindBool:
		text = string(v.Raw())
	}
	return text, text != ""
}

// Text is Lookup that returns the empty string for what is not there.
func (c Claims) Text(path string) string {
	text, _ := c.Lookup(path)
	return text
}

// Texts is Lookup for a claim that may have several values: an array of strings,
// or one value as Lookup reads it. An array that holds anything else is as good as
// absent, so that no decision is made on a part of it.
func (c Claims) Texts(path string) []string {
	v := c.object.Path(path)
	if v.Kind() == strictjson.KindArray {
		list, _, _ := v.AsStrings()
		return list
	}
	if text, ok := c.Lookup(path); ok {
		return []string{text}
	}
	return nil
}

// Names returns the names of the claims that are present, in the order in
// which the provider wrote them.
func (c Claims) Names() []string {
	var names []string
	for name, v := range c.object.All() {
		if present(v) {
			names = append(names, name)
		}
	}
	return names
}

// MarshalJSON implements json.Marshaler with the claims as the provider wrote them.
func (c Claims) MarshalJSON() ([]byte, error) { return c.object.JSON(), nil }

// UnmarshalJSON implements json.Unmarshaler for claims that were stored with
// MarshalJSON. Whoever can write to that storage makes the claims. It refuses
// what is refused from providers: equal names, more than 1 MiB.
func (c *Claims) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	o, err := strictjson.Parse(data, claimsLimit)
	if err == nil {
		*c = newClaims(o)
	}
	return err
}
