package egress

import (
	"net/netip"
	"slices"
)

// What is refused of the public unicast ranges. The lists follow IANA's
// special-purpose registries (RFC 6890).
var (
	refused4 = prefixes(
		"0.0.0.0/8",        // this network; 0.0.0.0 is this machine
		"10.0.0.0/8",       // private
		"100.64.0.0/10",    // carrier-grade NAT; a cloud's metadata
		"127.0.0.0/8",      // loopback
		"168.63.129.16/32", // a cloud's metadata on an address that looks public
		"169.254.0.0/16",   // link-local; most clouds' metadata
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // protocol assignments; a cloud's metadata
		"192.0.2.0/24",     // documentation
		"192.88.99.0/24",   // 6to4 relays
		"192.168.0.0/16",   // private
		"198.18.0.0/15",    // benchmarks
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"224.0.0.0/3",      // multicast, reserved, broadcast
	)
	// Of IPv6 only this is public, so that loopback, link-local, unique local,
	// multicast and the mapped, translated and compatible forms of IPv4 need
	// no entry of their own.
	public6  = netip.MustParsePrefix("2000::/3")
	refused6 = prefixes(
		"2001::/23",     // protocol assignments, Teredo among them
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4: an IPv4 address in disguise
		"3fff::/20",     // documentation
	)
	// nat64 carries an IPv4 address in its last four bytes (RFC 6052): what a
	// network without IPv4 uses to reach IPv4 servers.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// permits decides about an address that the given host led to.
func (p Policy) permits(host string, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		return contains(p.AllowAddresses, addr) || p.permits(host, netip.AddrFrom4([4]byte(b[12:])))
	}
	switch {
	case isPublic(addr), contains(p.AllowAddresses, addr):
		return true
	case p.isDevelopmentHost(host):
		return addr.IsLoopback() || addr.IsPrivate()
	}
	return addr.IsLoopback() && p.isThisMachine(host)
}

func isPublic(addr netip.Addr) bool {
	if addr.Is4() {
		return !contains(refused4, addr)
	}
	return public6.Contains(addr) && !contains(refused6, addr)
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}
