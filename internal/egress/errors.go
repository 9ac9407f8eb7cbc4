package egress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// What can go wrong, for errors.Is. A caller that cancels gets
// context.Canceled instead.
var (
	// ErrInsecureURL: the scheme or host of a URL is not one we call.
	ErrInsecureURL = errors.New("insecure URL")
	// ErrBlocked: the name leads to an address that is not on the public
	// internet and not listed for this provider. Nothing was sent.
	ErrBlocked = errors.New("address refused")
	// ErrTLS: no trusted connection. Nothing was sent.
	ErrTLS = errors.New("TLS failed")
	// ErrTimeout: one of the deadlines passed, ours or the caller's. The
	// request may have been sent.
	ErrTimeout = errors.New("timed out")
	// ErrTooLarge: the answer's body or headers exceed their limit. (Over
	// HTTP/2, too many headers are a broken connection: ErrUnreachable.)
	ErrTooLarge = errors.New("answer is too large")
	// ErrRedirect: the answer points elsewhere, where we do not go.
	ErrRedirect = errors.New("redirect refused")
	// ErrUnreachable: name resolution, connection or answer failed or broke
	// off. The request may have been sent.
	ErrUnreachable = errors.New("unreachable")
)

// BlockedError is ErrBlocked with the address.
type BlockedError struct {
	Addr netip.Addr
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("%v: %v is not a public address and not listed for this provider", ErrBlocked, e.Addr)
}

func (e *BlockedError) Unwrap() error { return ErrBlocked }

// TooLargeError is ErrTooLarge with the limit that was exceeded.
type TooLargeError struct {
	Limit int64 // bytes, after decompression
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%v: more than %d bytes", ErrTooLarge, e.Limit)
}

func (e *TooLargeError) Unwrap() error { return ErrTooLarge }

// RedirectError is ErrRedirect with the status. Where the answer pointed is
// left out: it may repeat what the request carried.
type RedirectError struct {
	Status int
}

func (e *RedirectError) Error() string {
	return fmt.Sprintf("%v: status %d", ErrRedirect, e.Status)
}

func (e *RedirectError) Unwrap() error { return ErrRedirect }

// failure is one of the kinds above, said more precisely.
type failure struct {
	kind  error
	text  string
	cause error // may be nil
}

func (e *failure) Error() string { return e.kind.Error() + ": " + e.text }

func (e *failure) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// exchangeError sorts what went wrong between an established connection and
// the end of the answer; what went wrong before comes sorted from dialing.
// The text of unknown errors is dropped: net/http quotes the server's bytes.
func exchangeError(caller context.Context, err error) error {
	if errors.Is(caller.Err(), context.Canceled) {
		return context.Canceled
	}
	if _, ok := errors.AsType[*failure](err); ok {
		return err
	}
	if _, ok := errors.AsType[*BlockedError](err); ok {
		return err
	}
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() || caller.Err() != nil {
		return &failure{ErrTimeout, "no complete answer in time", cmp.Or(caller.Err(), context.DeadlineExceeded)}
	}
	// net/http has no type for this one.
	if strings.Contains(err.Error(), "response headers exceeded") {
		return &TooLargeError{Limit: maxHeader}
	}
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &failure{ErrUnreachable, "connection reset", nil}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &failure{ErrUnreachable, "connection closed before the answer was complete", nil}
	}
	return &failure{ErrUnreachable, "the answer is not valid HTTP, or broke off", nil}
}

// printable bounds text that a server influences (names in its certificate).
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 300)]
}
