package jws

// Problem is what is wrong with a token.
type Problem int

// The problems.
const (
	Malformed    Problem = iota // not a compact JWS with a header that can be read
	Encrypted                   // a JWE
	Critical                    // crit or b64 in the header
	Algorithm                   // alg missing, none, or not supported
	KeyMismatch                 // the key is not one for this algorithm
	BadSignature                // the signature does not verify
)

// Error is why a token was refused. It holds nothing of the token.
type Error struct {
	Problem Problem
	Reason  string
	Err     error // the cause, if there is one
}

// Error returns the reason and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Reason + ": " + e.Err.Error()
	}
	return e.Reason
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func malformed(reason string) *Error { return &Error{Problem: Malformed, Reason: reason} }
