package gateway

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/wayleave/wayleave/gateway/config"
)

// transport returns the connections to an upstream; routes to the same one share them.
func (g *Gateway) transport(up config.Upstream) (http.RoundTripper, error) {
	name := strings.Join([]string{up.URL.Scheme, up.URL.Host, up.Socket, up.CAFile, up.Timeout.String()}, "\n")
	if up.H2C {
		name += "\nh2c"
	}
	if t := g.transports[name]; t != nil {
		return t, nil
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		DialContext:         dialer.DialContext,
		MaxIdleConns:        0, // no limit besides that of each host
		MaxIdleConnsPerHost: 1024, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: up.Timeout, ExpectContinueTimeout: time.Second,
		DisableCompression: true, // what the client asked for is the client's matter
		ForceAttemptHTTP2:  true,
		ReadBufferSize:     8 << 10, WriteBufferSize: 8 << 10,
	}
	if up.Socket != "" {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", up.Socket)
		}
	}
	if up.H2C {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetUnencryptedHTTP2(true)
	}
	if up.CAFile != "" {
		pool, err := config.ReadAuthorities(up.CAFile)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	g.transports[name] = t
	return t, nil
}

// buffers are those in which answers are copied.
type buffers struct{}

var bufferPool = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (buffers) Get() []byte { return bufferPool.Get().(*[32 << 10]byte)[:] }
func (buffers) Put(b []byte) {
	if len(b) == 32<<10 {
		bufferPool.Put((*[32 << 10]byte)(b))
	}
}
