package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Each phase has a deadline of its own, so that a server that stalls early
// does not use up the time of the whole call.
const (
	connectTimeout = 5 * time.Second // name resolution included
	tlsTimeout     = 5 * time.Second
	headerTimeout  = 8 * time.Second
)

// network is what connects: the operating system, or a test.
type network func(ctx context.Context, dialer *net.Dialer, network, addr string) (net.Conn, error)

func system(ctx context.Context, dialer *net.Dialer, network, addr string) (net.Conn, error) {
	return dialer.DialContext(ctx, network, addr)
}

// dialPlain connects for http, and below TLS for https. The address is
// checked where the system call is made, so that no second look-up, no other
// answer and no spelling of an address lies between check and use.
func (c *Client) dialPlain(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &failure{ErrUnreachable, "no host and port", nil}
	}
	dialer := &net.Dialer{ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		dialed, err := netip.ParseAddrPort(address)
		if err != nil {
			return &BlockedError{} // not an IP address: nothing to check, so nothing to call
		}
		if !c.policy.permits(host, dialed.Addr()) {
			return &BlockedError{Addr: dialed.Addr()}
		}
		return nil
	}}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := c.network(ctx, dialer, network, addr)
	if err != nil {
		return nil, dialError(err)
	}
	return conn, nil
}

func dialError(err error) error {
	if blocked, ok := errors.AsType[*BlockedError](err); ok {
		return blocked
	}
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() {
		return &failure{ErrTimeout, "no connection in time", err}
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return &failure{ErrUnreachable, "name resolution: " + printable(dns.Err), err}
	}
	return &failure{ErrUnreachable, printable(err.Error()), err}
}

// dialTLS connects and shakes hands. It is ours rather than the transport's so
// that every failure on the way to a trusted connection, and nothing else, is
// ErrTLS.
func (c *Client) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	plain, err := c.dialPlain(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(addr)
	conn := tls.Client(plain, &tls.Config{
		RootCAs:    c.policy.RootCAs,
		ServerName: host,
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
	})
	ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, tlsError(err)
	}
	return conn, nil
}

func tlsError(err error) error {
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() {
		return &failure{ErrTimeout, "no TLS handshake in time", err}
	}
	return &failure{ErrTLS, printable(err.Error()), err}
}
