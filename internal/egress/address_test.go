package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
)

func TestNET14_A031_Addresses(t *testing.T) {
	public := Policy{}
	listed := Policy{AllowAddresses: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	development := Policy{Development: true, DevelopmentHosts: []string{"keycloak"}}
	for _, tc := range []struct {
		name    string
		policy  Policy
		host    string
		address string
		want    bool
	}{
		{"public IPv4", public, "id.example.com", "8.8.8.8", true},
		{"public IPv6", public, "id.example.com", "2606:4700::1111", true},
		{"public IPv4, mapped", public, "id.example.com", "::ffff:8.8.8.8", true},
		{"public IPv4 through NAT64", public, "id.example.com", "64:ff9b::808:808", true},

		{"unspecified", public, "id.example.com", "0.0.0.0", false},
		{"this network", public, "id.example.com", "0.1.2.3", false},
		{"loopback", public, "id.example.com", "127.0.0.1", false},
		{"all of loopback", public, "id.example.com", "127.255.255.254", false},
		{"private 10", public, "id.example.com", "10.0.0.1", false},
		{"private 172", public, "id.example.com", "172.31.255.255", false},
		{"just above private 172", public, "id.example.com", "172.32.0.0", true},
		{"private 192", public, "id.example.com", "192.168.1.1", false},
		{"carrier-grade NAT", public, "id.example.com", "100.127.255.255", false},
		{"just above carrier-grade NAT", public, "id.example.com", "100.128.0.0", true},
		{"link-local", public, "id.example.com", "169.254.1.1", false},
		{"metadata of most clouds", public, "id.example.com", "169.254.169.254", false},
		{"metadata inside carrier-grade NAT", public, "id.example.com", "100.100.100.200", false},
		{"metadata inside protocol assignments", public, "id.example.com", "192.0.0.192", false},
		{"metadata on a public-looking address", public, "id.example.com", "168.63.129.16", false},
		{"documentation", public, "id.example.com", "203.0.113.9", false},
		{"benchmarks", public, "id.example.com", "198.19.0.1", false},
		{"multicast", public, "id.example.com", "224.0.0.1", false},
		{"reserved", public, "id.example.com", "240.0.0.1", false},
		{"broadcast", public, "id.example.com", "255.255.255.255", false},

		{"IPv6 unspecified", public, "id.example.com", "::", false},
		{"IPv6 loopback", public, "id.example.com", "::1", false},
		{"IPv6 link-local", public, "id.example.com", "fe80::1", false},
		{"IPv6 link-local with zone", public, "id.example.com", "fe80::1%eth0", false},
		{"IPv6 unique local", public, "id.example.com", "fd12::1", false},
		{"IPv6 metadata", public, "id.example.com", "fd00:ec2::254", false},
		{"IPv6 site-local", public, "id.example.com", "fec0::1", false},
		{"IPv6 multicast", public, "id.example.com", "ff02::1", false},
		{"IPv6 documentation", public, "id.example.com", "2001:db8::1", false},
		{"IPv6 new documentation", public, "id.example.com", "3fff::1", false},
		{"IPv6 discard", public, "id.example.com", "100::1", false},
		{"loopback, mapped", public, "id.example.com", "::ffff:127.0.0.1", false},
		{"private, mapped", public, "id.example.com", "::ffff:10.0.0.1", false},
		{"metadata, mapped", public, "id.example.com", "::ffff:169.254.169.254", false},
		{"private, translated", public, "id.example.com", "::ffff:0:10.0.0.1", false},
		{"private, compatible", public, "id.example.com", "::10.0.0.1", false},
		{"private through NAT64", public, "id.example.com", "64:ff9b::10.0.0.1", false},
		{"metadata through NAT64", public, "id.example.com", "64:ff9b::169.254.169.254", false},
		{"local NAT64", public, "id.example.com", "64:ff9b:1::8.8.8.8", false},
		{"private in 6to4", public, "id.example.com", "2002:a00:1::1", false},
		{"Teredo", public, "id.example.com", "2001:0:a00:1::1", false},

		{"listed", listed, "id.example.com", "10.1.2.3", true},
		{"listed, mapped", listed, "id.example.com", "::ffff:10.1.2.3", true},
		{"listed, through NAT64", listed, "id.example.com", "64:ff9b::10.1.2.3", true},
		{"listed IPv6", listed, "id.example.com", "fd00:1::5", true},
		{"beside what is listed", listed, "id.example.com", "10.2.0.1", false},
		{"listed IPv6 with a zone", listed, "id.example.com", "fd00:1::5%eth0", true},
		{"loopback when other ranges are listed", listed, "localhost", "127.0.0.1", false},

		{"development, localhost on loopback", development, "localhost", "127.0.0.1", true},
		{"development, LOCALHOST on IPv6 loopback", development, "LOCALHOST", "::1", true},
		{"development, localhost elsewhere", development, "localhost", "10.0.0.1", false},
		{"development, loopback literal", development, "127.0.0.1", "127.0.0.1", true},
		{"development, another name on loopback", development, "id.example.com", "127.0.0.1", false},
		{"development, listed host on a private address", development, "keycloak", "172.18.0.5", true},
		{"development, listed host on loopback", development, "Keycloak", "127.0.0.1", true},
		{"development, listed host on unique local", development, "keycloak", "fd12::1", true},
		{"development, listed host on a metadata address", development, "keycloak", "169.254.169.254", false},
		{"development, another host on a private address", development, "kc", "172.18.0.5", false},
		{"production, listed development host", Policy{DevelopmentHosts: []string{"keycloak"}}, "keycloak", "172.18.0.5", false},
	} {
		t.Run("NET-14 "+tc.name, func(t *testing.T) {
			if got := tc.policy.permits(tc.host, netip.MustParseAddr(tc.address)); got != tc.want {
				t.Errorf("%s at %s: permitted is %v, want %v", tc.host, tc.address, got, tc.want)
			}
		})
	}
	if public.permits("id.example.com", netip.Addr{}) {
		t.Error("no address is permitted")
	}
}

// listenOn counts the connections that arrive at one loopback address.
func listenOn(t *testing.T, addr string) (port string, connections *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	connections = new(atomic.Int64)
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go server.Serve(countingListener{l, connections})
	t.Cleanup(func() { server.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, connections
}

type countingListener struct {
	net.Listener
	n *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.n.Add(1)
	}
	return conn, err
}

func TestNET14_A031_BlockedLiteralsAreNeverDialed(t *testing.T) {
	port, connections := listenOn(t, "127.0.0.1:0")
	c := New(Policy{})
	for _, host := range []string{"127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::1]", "[::]", "169.254.169.254", "[64:ff9b::7f00:1]"} {
		_, err := c.Do(t.Context(), Request{URL: "https://" + host + ":" + port})
		blocked, ok := errors.AsType[*BlockedError](err)
		if !ok || !errors.Is(err, ErrBlocked) || !blocked.Addr.IsValid() {
			t.Errorf("%s: got %v, want a BlockedError", host, err)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// net/http reads the environment once per process, so that a test of what
// happens cannot tell alone.
func TestA042_NoProxyIsConfigured(t *testing.T) {
	if New(Policy{}).transport.Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}

// A name that leads to an allowed address when first looked at and to this
// machine when called again. The check is made on the address of each
// connection, so that there is no moment in between.
func TestNET14_A032_Rebinding(t *testing.T) {
	port, allowed := listenOn(t, "127.0.0.2:0")
	_, forbidden := listenOn(t, "127.0.0.1:"+port)
	zone := &fakeZone{}
	zone.set(netip.MustParseAddr("127.0.0.2"))
	c := New(Policy{AllowAddresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	c.network = zone.network
	c.transport.DisableKeepAlives = true
	// plain keeps TLS out of the way: only CheckURL demands it.
	plain := func() error {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://rebind.example:"+port, nil)
		response, err := c.transport.RoundTrip(r)
		if err == nil {
			response.Body.Close()
		}
		return err
	}

	if err := plain(); err != nil {
		t.Fatalf("the allowed address: %v", err)
	}
	zone.set(netip.MustParseAddr("127.0.0.1"))
	if err := plain(); !errors.Is(err, ErrBlocked) {
		t.Errorf("after rebinding: %v, want ErrBlocked", err)
	}
	zone.set(netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::ffff:127.0.0.1"))
	if err := plain(); !errors.Is(err, ErrBlocked) {
		t.Errorf("several forbidden addresses: %v, want ErrBlocked", err)
	}
	zone.set(netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.2"))
	if err := plain(); err != nil && !errors.Is(err, ErrBlocked) {
		t.Errorf("one of each: %v", err)
	}
	if allowed.Load() == 0 || forbidden.Load() != 0 {
		t.Errorf("%d connections to the allowed address, %d to the forbidden one", allowed.Load(), forbidden.Load())
	}

	// The same through Do, over https.
	zone.set(netip.MustParseAddr("127.0.0.1"))
	if _, err := c.Do(t.Context(), Request{URL: "https://rebind.example:" + port}); !errors.Is(err, ErrBlocked) {
		t.Errorf("Do: %v, want ErrBlocked", err)
	}
	zone.set()
	if _, err := c.Do(t.Context(), Request{URL: "https://rebind.example:" + port}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a name without address: %v, want ErrUnreachable", err)
	}
}

// fakeZone is a name server for all names, reached through a pipe.
type fakeZone struct {
	mu        sync.Mutex
	addresses []netip.Addr
}

func (z *fakeZone) set(addresses ...netip.Addr) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.addresses = addresses
}

func (z *fakeZone) network(ctx context.Context, dialer *net.Dialer, network, addr string) (net.Conn, error) {
	dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go z.serve(theirs)
		return ours, nil
	}}
	return dialer.DialContext(ctx, network, addr)
}

// serve answers queries in the form that DNS uses over TCP (RFC 1035 §4.2.2).
func (z *fakeZone) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		answer := z.answer(query)
		conn.Write(binary.BigEndian.AppendUint16(nil, uint16(len(answer))))
		conn.Write(answer)
	}
}

func (z *fakeZone) answer(query []byte) []byte {
	const typeA, typeAAAA, classIN = 1, 28, 1
	end := 12
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	question := query[12 : end+5]
	asked := binary.BigEndian.Uint16(query[end+1:])
	var records []byte
	count := uint16(0)
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, a := range z.addresses {
		if a.Is4() != (asked == typeA) || a.Is6() != (asked == typeAAAA) {
			continue
		}
		records = append(records, 0xc0, 12) // the name asked for
		for _, n := range []uint16{asked, classIN, 0, 0, uint16(a.BitLen() / 8)} {
			records = binary.BigEndian.AppendUint16(records, n)
		}
		records = append(records, a.AsSlice()...)
		count++
	}
	answer := append([]byte{}, query[:2]...)
	for _, n := range []uint16{0x8180, 1, count, 0, 0} {
		answer = binary.BigEndian.AppendUint16(answer, n)
	}
	return append(append(answer, question...), records...)
}
