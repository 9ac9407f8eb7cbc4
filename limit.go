package wayleave

import (
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// limiter bounds how often something may happen per name (an address, a
// browser), in constant memory: names share buckets by hash. It is safe for
// concurrent use.
type limiter struct {
	perSecond float64
	burst     float64
	seed      maphash.Seed

	mu      sync.Mutex
	buckets [1 << 13]bucket
}

type bucket struct {
	tokens float64 // spent, so that the zero bucket is full
	last   time.Time
}

func newLimiter(perSecond, burst float64) *limiter {
	return &limiter{perSecond: perSecond, burst: burst, seed: maphash.MakeSeed()}
}

// allow reports whether it may happen once more for this name now.
func (l *limiter) allow(name string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.buckets[l.slot(name)]
	b.tokens = max(0, b.tokens-now.Sub(b.last).Seconds()*l.perSecond)
	b.last = now
	if b.tokens+1 > l.burst {
		return false
	}
	b.tokens++
	return true
}

func (l *limiter) slot(name string) int {
	return int(maphash.String(l.seed, name) % uint64(len(l.buckets)))
}

// giveBack takes back what was allowed just now: it was no burden.
func (l *limiter) giveBack(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.buckets[l.slot(name)]
	b.tokens = max(0, b.tokens-1)
}

// peerAddress is the peer of the connection.
func peerAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// subscriber is the name under which a request is limited: the client's address,
// and of an IPv6 address the first 64 bits, which is what one subscriber has.
func (a *Auth) subscriber(r *http.Request) string {
	address := a.cfg.ClientAddress(r)
	ip, err := netip.ParseAddr(address)
	if err == nil && ip.Is6() && !ip.Is4In6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return address
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
