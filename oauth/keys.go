package oauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wayleave/wayleave/internal/jws"
)

// How long keys are used and how often they are fetched.
const (
	keysFresh     = 10 * time.Minute // used without a look
	keysAged      = time.Hour        // used while a refresh runs; older ones wait for it
	keysUsable    = 24 * time.Hour   // used as long as refreshing fails
	keysTimeout   = 10 * time.Second // for one fetch, whoever waits for it
	forcedApart   = time.Minute      // between fetches that a token's header can cause
	firstCoolDown = 5 * time.Second  // after a failed fetch, doubled with each
	maxCoolDown   = time.Minute
)

// keySet is the key set of one issuer, fetched when first needed and kept (OpenID
// Connect Core section 10.1.1). Keys of different issuers never share one, so
// that a kid means something only for its issuer.
//
// A refresh replaces the set: a key that the provider has withdrawn is refused
// from then on. Nothing runs while nobody asks. At most one fetch runs at a
// time; everyone waits for it, and nobody's leaving stops it.
type keySet struct {
	fetch func(context.Context) ([]byte, error)
	tell  teller

	mu       sync.Mutex
	set      *jws.Set  // the last good copy; nil before the first
	loaded   time.Time // when it came
	forced   time.Time // when a token last caused a fetch
	failures int       // in a row
	failed   time.Time // when the last of them ended
	err      error     // what it was
	flight   *keyFlight
}

// keyFlight is a fetch that is under way. The results are read after done.
type keyFlight struct {
	done chan struct{}
	set  *jws.Set
	err  error
}

func newKeySet(fetch func(context.Context) ([]byte, error), tell teller) *keySet {
	return &keySet{fetch: fetch, tell: tell}
}

// current returns the keys to try first.
func (k *keySet) current(ctx context.Context) (*jws.Set, error) {
	k.mu.Lock()
	set, age := k.set, time.Since(k.loaded)
	if set != nil && age < keysFresh {
		k.mu.Unlock()
		return set, nil
	}
	flight, err := k.start(ctx)
	k.mu.Unlock()
	if set != nil && age < keysAged {
		return set, nil
	}
	if err == nil {
		var fresh *jws.Set
		if fresh, err = flight.wait(ctx); err == nil {
			return fresh, nil
		}
	}
	if set != nil && age < keysUsable && ctx.Err() == nil {
		return set, nil
	}
	return nil, err
}

// errNoNewer: the keys at hand must do, because tokens have caused a fetch only
// just now.
var errNoNewer = errors.New("the keys were fetched anew less than a minute ago")

// newer returns keys newer than those that did not do: the token names a key
// that seen lacks, or one that does not verify it. That may be a new key, or a
// random name; so only one fetch a minute may be caused this way, whatever the
// number of tokens. The first one is free, even right after the set was loaded,
// so that a login that follows a rotation works.
func (k *keySet) newer(ctx context.Context, seen *jws.Set) (*jws.Set, error) {
	k.mu.Lock()
	if k.set != seen {
		defer k.mu.Unlock()
		return k.set, nil
	}
	flight := k.flight
	if flight == nil {
		if !k.forced.IsZero() && time.Since(k.forced) < forcedApart {
			k.mu.Unlock()
			return nil, errNoNewer
		}
		var err error
		if flight, err = k.start(ctx); err != nil {
			k.mu.Unlock()
			return nil, err
		}
		k.forced = time.Now()
	}
	k.mu.Unlock()
	return flight.wait(ctx)
}

// start begins a fetch, or joins the one under way, unless the last one failed
// only just now. The caller holds the lock.
func (k *keySet) start(ctx context.Context) (*keyFlight, error) {
	if k.flight != nil {
		return k.flight, nil
	}
	if left := k.coolDown() - time.Since(k.failed); k.failures > 0 && left > 0 {
		return nil, &coolingDown{left: left, err: k.err}
	}
	k.flight = &keyFlight{done: make(chan struct{})}
	// Detached: the first to ask may leave, the others still want the keys.
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout)
	go func(flight *keyFlight) {
		defer cancel()
		k.load(detached, flight)
	}(k.flight)
	return k.flight, nil
}

func (k *keySet) coolDown() time.Duration {
	return min(firstCoolDown<<min(max(k.failures-1, 0), 10), maxCoolDown)
}

// load runs one fetch to its end.
func (k *keySet) load(ctx context.Context, flight *keyFlight) {
	var skipped []jws.Skipped
	data, err := k.fetch(ctx)
	if err == nil {
		if flight.set, skipped, err = jws.ParseSet(data); err != nil {
			err = &Error{Step: StepConfigure, Check: CheckKey, Fault: FaultProvider,
				Reason: "the provider's key set is malformed", Err: err}
		}
	}
	flight.err = err
	k.mu.Lock()
	k.flight = nil
	if err == nil {
		k.set, k.loaded, k.failures, k.err = flight.set, time.Now(), 0, nil
	} else {
		k.failures, k.failed, k.err = k.failures+1, time.Now(), err
	}
	k.mu.Unlock()
	close(flight.done)
	if k.tell.listening() && err == nil {
		k.tell.emit(ctx, Established{Is: k.tell.about(ctx, StepConfigure),
			What:   fmt.Sprintf("keys in the provider's key set that verify signatures: %d", flight.set.Len()),
			Params: skippedParams(skipped)})
	}
}

// skippedParams lists the keys that are of no use here, which is common, and
// those that must not have been published.
func skippedParams(skipped []jws.Skipped) (params []Param) {
	for _, s := range skipped {
		name := "skipped"
		if s.Exposed {
			name = "exposed"
		}
		params = append(params, Param{Name: name, Value: s.String()})
	}
	return params
}

func (f *keyFlight) wait(ctx context.Context) (*jws.Set, error) {
	select {
	case <-f.done:
		return f.set, f.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// coolingDown says that fetching failed a moment ago and is not tried yet.
type coolingDown struct {
	left time.Duration
	err  error
}

func (e *coolingDown) Error() string { return "not tried again yet after: " + e.err.Error() }
func (e *coolingDown) Unwrap() error { return e.err }

// keysUnavailable is the error for a login that cannot go on without keys. If
// the cause is an *Error, that one says it best.
func keysUnavailable(step Step, cause error) *Error {
	e := &Error{Check: CheckKey, Fault: FaultUnavailable, Err: cause,
		Reason: "the provider's signing keys could not be fetched",
		Cure:   "look at jwks_uri in the provider's metadata and whether this machine can reach it"}
	if inner, ok := errors.AsType[*Error](cause); ok {
		e = new(*inner)
	}
	if cool, ok := errors.AsType[*coolingDown](cause); ok {
		e.RetryAfter = max(e.RetryAfter, cool.left)
	}
	e.Step = step
	return e
}
