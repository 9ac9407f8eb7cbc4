package strictjson

import (
	"strings"
	"time"
)

// NumericDate returns the time that a number stands for in a token (RFC 7519
// section 2): seconds since 1970, with or without fraction or exponent. It must
// lie between 1970 and the end of the year 9999, which is checked before any
// conversion, because conversions overflow silently. What is finer than a
// nanosecond is cut off. The text must be a JSON number, as [Object.Number]
// returns it; the error is a *RangeError.
func NumericDate(text string) (time.Time, error) {
	const endOfYear9999 = 253402300800
	d, ok := parseDecimal(text)
	switch {
	case !ok:
		return time.Time{}, &RangeError{Reason: "not a number"}
	case d.negative:
		return time.Time{}, &RangeError{Reason: "before 1970"}
	case d.seconds >= endOfYear9999:
		return time.Time{}, &RangeError{Reason: "after the year 9999"}
	}
	return time.Unix(d.seconds, d.nanos).UTC(), nil
}

// MaxDuration is the longest duration that Seconds returns: a hundred years.
const MaxDuration = 100 * 365 * 24 * time.Hour

// Seconds returns the duration of a number of seconds. A fraction is cut off
// (towards zero), anything negative is 0, anything above MaxDuration is
// MaxDuration: a lifetime like expires_in has no value that is worth refusing an
// answer for, and none may overflow. The error says that text is no JSON number.
func Seconds(text string) (time.Duration, error) {
	d, ok := parseDecimal(text)
	switch {
	case !ok:
		return 0, &RangeError{Reason: "not a number"}
	case d.negative:
		return 0, nil
	}
	return time.Duration(min(d.seconds, int64(MaxDuration/time.Second))) * time.Second, nil
}

// decimal is a number cut off at nanoseconds.
type decimal struct {
	negative bool // and not zero
	seconds  int64
	nanos    int64
}

// tooLarge stands for every number of more than fifteen digits before its point.
const tooLarge = 1_000_000_000_000_000

// parseDecimal shifts the point by the exponent in the text itself: floating
// point loses digits, and big numbers let "1e999999999" take all memory.
func parseDecimal(text string) (d decimal, ok bool) {
	s := scanner{src: text}
	if s.number() != nil || s.pos != len(text) {
		return d, false
	}
	text, negative := strings.CutPrefix(text, "-")
	text, exponent := cutExponent(text)
	whole, fraction, _ := strings.Cut(text, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return d, true
	}
	d.negative = negative
	// point is how many of the digits stand before the point; it may lie outside of them.
	point := int64(len(digits)-len(fraction)) + exponent
	if point > 15 {
		d.seconds = tooLarge
		return d, true
	}
	for i := range max(point, 0) + 9 {
		// Place i counts from the first digit, or from the point if that comes first.
		var c int64
		if at := i + min(point, 0); at >= 0 && at < int64(len(digits)) {
			c = int64(digits[at] - '0')
		}
		if i < point {
			d.seconds = d.seconds*10 + c
		} else {
			d.nanos = d.nanos*10 + c
		}
	}
	return d, true
}

// cutExponent splits the exponent off. One that no text could balance is cut to
// a value that is beyond every range.
func cutExponent(text string) (mantissa string, exponent int64) {
	const beyond = 1 << 32 // no text is that long
	at := strings.IndexAny(text, "eE")
	if at < 0 {
		return text, 0
	}
	digits, negative := strings.CutPrefix(strings.TrimPrefix(text[at+1:], "+"), "-")
	for _, c := range []byte(digits) {
		exponent = min(exponent*10+int64(c-'0'), beyond)
	}
	if negative {
		exponent = -exponent
	}
	return text[:at], exponent
}
