package gateway

import (
	"net/http"
	"net/netip"
	"strings"
)

// peers are the proxies in front of us that may say for whom they speak.
type peers struct {
	prefixes []netip.Prefix
	unix     bool
}

func (p peers) any() bool { return p.unix || len(p.prefixes) > 0 }

func (p peers) contains(addr netip.Addr) bool {
	for _, prefix := range p.prefixes {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// peerOf reads http.Request.RemoteAddr: "address:port", or of a unix socket "@"
// or nothing.
func peerOf(r *http.Request) (addr netip.Addr, unix, ok bool) {
	if r.RemoteAddr == "@" || r.RemoteAddr == "" {
		return netip.Addr{}, true, true
	}
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false, false
	}
	return ap.Addr().Unmap().WithZone(""), false, true
}

// maxHops bounds the list of addresses that is looked at.
const maxHops = 16

// client returns the address of the person's machine: that of the peer, or if
// the peer is trusted, the last address in X-Forwarded-For that no trusted proxy
// has. What stands before it was written by the client.
func (p peers) client(r *http.Request) (name string, trusted bool) {
	addr, unix, ok := peerOf(r)
	name = "unix"
	if ok && !unix {
		name = addr.String()
	}
	if trusted = ok && (unix && p.unix || !unix && p.contains(addr)); !trusted {
		return name, false
	}
	rest, more := strings.Join(r.Header["X-Forwarded-For"], ","), true
	for hops := 0; more && hops < maxHops; hops++ {
		var last string
		rest, last, more = cutLast(rest)
		hop, err := netip.ParseAddr(strings.TrimSpace(last))
		if err != nil {
			break
		}
		hop = hop.Unmap().WithZone("")
		if name = hop.String(); !p.contains(hop) {
			break
		}
	}
	return name, true
}

// address is client as wayleave.Config.ClientAddress wants it.
func (p peers) address(r *http.Request) string {
	name, _ := p.client(r)
	return name
}

func cutLast(list string) (before, last string, found bool) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		return list[:i], list[i+1:], true
	}
	return "", list, false
}
