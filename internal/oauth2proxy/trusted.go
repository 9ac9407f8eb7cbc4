package oauth2proxy

import (
	"net/netip"
	"slices"
	"strings"
)

// trusted are the proxies that may say for whom they speak. Theirs believes
// everybody unless told otherwise; that is never taken over.
func (c *conversion) trusted() []string {
	if !c.yes("reverse-proxy", false) {
		if c.has("trusted-proxy-ip") {
			c.tell("trusted-proxy-ip", NotNeeded, "without reverse_proxy theirs ignores it, and so do we")
		}
		if c.asked {
			c.tell("reverse-proxy", Changed, "it is not set, and a proxy that asks has to be trusted: trusted_proxies lists this machine alone")
			return c.local()
		}
		return []string{}
	}
	if !c.has("trusted-proxy-ip") {
		c.tell("reverse-proxy", Changed, "theirs then believes everybody; trusted_proxies lists this machine alone: add the addresses of your proxies")
		return c.local()
	}
	var out []string
	dropped := false
	for _, entry := range c.list("trusted-proxy-ip") {
		p, err := netip.ParsePrefix(entry)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(entry); err == nil && a.Zone() == "" {
				p = netip.PrefixFrom(a, a.BitLen())
			}
		}
		switch {
		case !p.IsValid() || p.Addr().Is4In6() || p.Addr().Is4() && p.Bits() < 8 || p.Bits() < 7:
			dropped = true
		case p.IsSingleIP():
			out = append(out, p.Addr().String())
		default:
			out = append(out, p.Masked().String())
		}
	}
	if dropped {
		c.tell("trusted-proxy-ip", Changed, "what is no address or network, or a very large one, is left out: list the addresses of your proxies")
	}
	if len(out) == 0 {
		return c.local()
	}
	if strings.HasPrefix(c.listen, "unix:") {
		out = append(out, "unix")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *conversion) local() []string {
	if strings.HasPrefix(c.listen, "unix:") {
		return []string{"unix"}
	}
	return []string{"127.0.0.1", "::1"}
}
