package devidp

import (
	"fmt"
	"net"
	"net/netip"
)

// ListenAddressAllowed reports why a provider should not listen on addr
// ("host:port"): everyone who can reach it can sign in as anyone, so it must be
// loopback unless anyHost says that the operator knows. An empty host means all
// interfaces and is not loopback.
func ListenAddressAllowed(addr string, anyHost bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("listen address %q: want host:port, such as 127.0.0.1:9000: %w", addr, err)
	}
	if anyHost || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("listen address %q is not loopback, and whoever reaches this provider can sign in as anyone: "+
		"use 127.0.0.1, [::1] or localhost", addr)
}

// isLoopback accepts the name localhost without resolving it: RFC 6761 section
// 6.3 has resolvers answer it with loopback alone.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
