package strictjson

import "fmt"

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds. The zero Kind is that of a value that is not there.
const (
	KindMissing Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

// String returns the kind as a noun, such as "object".
func (k Kind) String() string {
	return [...]string{"nothing", "null", "boolean", "number", "string", "array", "object"}[k]
}

// SizeError: the text is longer than the caller permits.
type SizeError struct {
	Limit int // in bytes
}

// Error names the limit.
func (e *SizeError) Error() string { return fmt.Sprintf("JSON longer than %d bytes", e.Limit) }

// SyntaxError: the text is not JSON, or is JSON of a kind that is refused here.
type SyntaxError struct {
	Offset int // in bytes from the start
	Reason string
}

// Error says what is wrong and where.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("JSON refused at byte %d: %s", e.Offset, e.Reason)
}

// DuplicateError: an object has two members whose names are equal, or equal
// but for case.
type DuplicateError struct {
	Offset int    // of the second name, in bytes from the start
	Member string // the second name, reduced to 64 bytes of printable ASCII
	Case   bool   // the names differ, but only in case
}

// Error names the member.
func (e *DuplicateError) Error() string {
	if e.Case {
		return fmt.Sprintf("JSON refused at byte %d: member %q differs from another only in case", e.Offset, e.Member)
	}
	return fmt.Sprintf("JSON refused at byte %d: member %q is there twice", e.Offset, e.Member)
}

// TypeError: a value is there, but not of the kind that was asked for.
type TypeError struct {
	Member    string // name or path as asked for, reduced to 64 bytes of printable ASCII
	Want, Got Kind
}

// Error names the member and both kinds.
func (e *TypeError) Error() string {
	return fmt.Sprintf("member %q is of kind %s, not %s", e.Member, e.Got, e.Want)
}

// RangeError: a number is outside of what its use permits.
type RangeError struct {
	Reason string
}

// Error returns the reason.
func (e *RangeError) Error() string { return e.Reason }

// printable reduces a name from outside to what errors may hold.
func printable(s string) string {
	const most = 64
	out := make([]byte, 0, min(len(s), most))
	for i := 0; i < len(s) && len(out) < most; i++ {
		c := s[i]
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}
