package oauth

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/seal"
)

// StateLifetime is how long a person may take at the provider.
const StateLifetime = 10 * time.Minute

// MaxState is the longest state that a Sealer makes, in bytes, unless a
// provider carries less. Some providers cut or refuse longer ones.
const MaxState = 500

// Intent says what a login is for.
type Intent byte

// Intents. Only a sign-in may ever be started again by itself.
const (
	SignIn     Intent = iota // whoever comes back becomes the user of this browser
	Link                     // connect a further account to the signed-in user
	StepUp                   // authenticate the signed-in user again, or better
	MoreScopes               // ask the signed-in user for further scopes
)

// BrowserHash stands for a browser: a hash of the random value that only this
// browser holds in a cookie. The cookie itself never travels in state.
type BrowserHash [16]byte

// HashBrowser makes the BrowserHash of a binding cookie's value.
func HashBrowser(cookie string) BrowserHash {
	sum := sha256.Sum256([]byte("wayleave browser\x00" + cookie))
	return BrowserHash(sum[:16])
}

// Pending is everything that has to be remembered while the person is at the
// provider. It travels sealed in the state parameter, so that a login begun
// and never finished costs the server nothing.
type Pending struct {
	Provider string // Client.Name
	// Entry is Client.Entry: a digest of the provider's configuration. If it
	// has changed when the browser returns, the login ends.
	Entry    [16]byte
	Started  time.Time // to the second
	Attempt  int       // how often this login was started again by itself, 0 to 255
	Intent   Intent
	Browser  BrowserHash
	Process  uint64 // ties the login to one process; 0 ties it to none
	ReturnTo string // path on our own origin where the person wanted to go
	// ReturnElsewhere says that the path was too long and is kept outside of the state.
	ReturnElsewhere bool
	// Person and Session are for intents other than SignIn: who must come
	// back, and a hash of the session that asked.
	Person  string
	Session [16]byte
	// MaxAge and ACRValues were asked for and are verified in the ID token.
	// A negative MaxAge means not asked; zero asks for a fresh login.
	MaxAge    time.Duration
	ACRValues []string
}

// Login is one login: what is pending, and the values that belong to it alone.
// It is immutable and safe for concurrent use.
type Login struct {
	Pending
	id       string
	random   [24]byte
	state    Secret
	nonce    Secret
	verifier Secret
}

// ID returns the public id of the login: it names the login in events and
// logs, and gives nothing away.
func (l *Login) ID() string { return l.id }

// Random returns the random bytes that make the login unique. They stand in
// clear in the state: an identifier, not a secret.
func (l *Login) Random() [24]byte { return l.random }

// State returns the sealed state, as sent to the provider.
func (l *Login) State() string { return l.state.Reveal() }

// BelongsTo reports, in constant time, whether the login was begun by this browser.
func (l *Login) BelongsTo(b BrowserHash) bool {
	return subtle.ConstantTimeCompare(l.Browser[:], b[:]) == 1
}

// CheckAge refuses a login that is older than StateLifetime, or from the future.
func (l *Login) CheckAge(now time.Time) error {
	age := now.Sub(l.Started)
	if age > StateLifetime {
		return &Error{Step: StepCallback, Check: CheckStateAge, Fault: FaultBrowser,
			Reason: "the login took too long", Expected: "at most " + StateLifetime.String(), Got: age.Round(time.Second).String(),
			Cure: "sign in again"}
	}
	if age < -time.Minute {
		return &Error{Step: StepCallback, Check: CheckStateAge, Fault: FaultBrowser,
			Reason: "the login begins in the future", Expected: "a time before now", Got: (-age).Round(time.Second).String() + " ahead",
			Cure: "set the clocks of all machines that serve this app"}
	}
	return nil
}

// Sealer seals logins into states and opens them again. It is immutable and
// safe for concurrent use. All processes that serve the same app need the
// same keys and base URL.
type Sealer struct {
	ring    *seal.Ring
	baseURL string
}

// NewSealer makes a Sealer. Each key has 32 random bytes; the first one seals,
// all open. baseURL is the public address of the app: a state sealed for
// another app with the same keys does not open.
func NewSealer(baseURL string, keys ...[]byte) (*Sealer, error) {
	ring, err := seal.NewRing(keys...)
	if err != nil {
		return nil, fmt.Errorf("keys for state: %w", err)
	}
	return &Sealer{ring: ring, baseURL: baseURL}, nil
}

// purposeState labels the sealing; the labels below derive what goes with it.
const (
	purposeState  = seal.Purpose("state")
	labelNonce    = "oidc nonce"
	labelVerifier = "pkce verifier"
)

// Begin makes a fresh login of p. The result's state has at most MaxState
// bytes if Fits said so; the caller decides what to do with a ReturnTo that
// does not fit.
func (s *Sealer) Begin(p Pending) *Login {
	env := s.ring.NewEnvelope(purposeState)
	l := newLogin(env, p)
	l.state = NewSecret(seal.Encode(env.Seal(encodePending(p), s.baseURL)))
	return l
}

// StateLen returns the length of the state that Begin would make of p.
func StateLen(p Pending) int {
	return base64.RawURLEncoding.EncodedLen(seal.Overhead() + len(encodePending(p)))
}

// Open opens a state. It says nothing about age, browser or use: those are
// checks of their own, made after this one.
func (s *Sealer) Open(state string) (*Login, error) {
	refuse := func(reason string, err error) (*Login, error) {
		return nil, &Error{Step: StepCallback, Check: CheckState, Fault: FaultBrowser,
			Expected: "a state that this app has sealed", Got: "one that it has not", Reason: reason, Err: err, Cure: "sign in again"}
	}
	if state == "" {
		return nil, &Error{Step: StepCallback, Check: CheckState, Fault: FaultBrowser,
			Expected: "a state", Reason: "the callback carries no state", Cure: "sign in again"}
	}
	if len(state) > 4*MaxState {
		return refuse("the state is too long", nil)
	}
	raw, err := seal.Decode(state)
	if err != nil {
		return refuse("the state is malformed", err)
	}
	env, plain, err := s.ring.OpenEnvelope(purposeState, raw, s.baseURL)
	switch {
	case errors.Is(err, seal.ErrUnknownKey):
		return refuse("the state was sealed with a key that this app does not have", err)
	case err != nil:
		return refuse("the state was not sealed by this app, or was changed", err)
	}
	p, err := decodePending(plain)
	if err != nil {
		return refuse("the state has another format", err)
	}
	l := newLogin(env, p)
	l.state = NewSecret(state)
	return l, nil
}

// newLogin derives nonce and verifier from the random bytes that also make the
// sealing key: under HKDF with separate labels they count as fresh and unrelated.
func newLogin(env *seal.Envelope, p Pending) *Login {
	random := env.Random()
	sum := sha256.Sum256(append([]byte("wayleave login\x00"), random[:]...))
	return &Login{
		Pending:  p,
		id:       base64.RawURLEncoding.EncodeToString(sum[:12]),
		random:   random,
		nonce:    NewSecret(seal.Encode(env.Derive(labelNonce, 32))),
		verifier: NewSecret(seal.Encode(env.Derive(labelVerifier, 32))),
	}
}

// pendingFormat is the first byte of an encoded Pending. A state with another
// one ends its login; there is no need to read old formats for ten minutes.
const pendingFormat = 1

var errFormat = errors.New("not a login of this format")

// encodePending writes the fields in fixed order: it is smaller than any
// self-describing format, and every byte counts in a URL.
func encodePending(p Pending) []byte {
	b := make([]byte, 0, 160+len(p.ReturnTo))
	b = append(b, pendingFormat)
	b = binary.AppendUvarint(b, uint64(p.Started.Unix()))
	b = append(b, byte(p.Attempt), byte(p.Intent))
	b = append(b, p.Browser[:]...)
	b = append(b, p.Entry[:]...)
	b = appendText(b, p.Provider)
	b = binary.AppendUvarint(b, p.Process)
	var flags byte
	if p.ReturnElsewhere {
		flags |= 1
	}
	if p.Intent != SignIn {
		flags |= 2
	}
	if p.MaxAge >= 0 {
		flags |= 4
	}
	if len(p.ACRValues) > 0 {
		flags |= 8
	}
	b = append(b, flags)
	b = appendText(b, p.ReturnTo)
	if flags&2 != 0 {
		b = appendText(b, p.Person)
		b = append(b, p.Session[:]...)
	}
	if flags&4 != 0 {
		b = binary.AppendUvarint(b, uint64(p.MaxAge/time.Second))
	}
	if flags&8 != 0 {
		b = binary.AppendUvarint(b, uint64(len(p.ACRValues)))
		for _, v := range p.ACRValues {
			b = appendText(b, v)
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func decodePending(b []byte) (Pending, error) {
	r := reader{b: b}
	var p Pending
	if r.byte() != pendingFormat {
		return p, errFormat
	}
	p.Started = time.Unix(int64(r.uvarint()&(1<<40-1)), 0)
	p.Attempt = int(r.byte())
	p.Intent = Intent(r.byte())
	copy(p.Browser[:], r.take(len(p.Browser)))
	copy(p.Entry[:], r.take(len(p.Entry)))
	p.Provider = r.text()
	p.Process = r.uvarint()
	flags := r.byte()
	p.ReturnElsewhere = flags&1 != 0
	p.ReturnTo = r.text()
	if flags&2 != 0 {
		p.Person = r.text()
		copy(p.Session[:], r.take(len(p.Session)))
	}
	p.MaxAge = -1
	if flags&4 != 0 {
		p.MaxAge = time.Duration(min(r.uvarint(), 1<<31)) * time.Second
	}
	if flags&8 != 0 {
		n := r.uvarint()
		for range min(n, 64) {
			p.ACRValues = append(p.ACRValues, r.text())
		}
	}
	if r.bad || len(r.b) != 0 || p.Intent > MoreScopes || (p.Intent != SignIn) != (flags&2 != 0) {
		return Pending{}, errFormat
	}
	return p, nil
}

// reader reads the fields of a Pending; after the first thing that does not
// fit it is bad and reads zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return ""
	}
	return string(bytes.Clone(r.take(int(n))))
}
