package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net"
	"strings"

	"github.com/wayleave/wayleave/devidp"
)

var devidpCommand = command{
	name:    "devidp",
	summary: "runs the development identity provider alone",
	example: "wayleave devidp --listen 127.0.0.1:9000",
	flags: func(fs *flag.FlagSet, o *options) {
		fs.StringVar(&o.listen, "listen", "127.0.0.1:9000", "address to listen on")
		fs.StringVar(&o.issuer, "issuer", "", "issuer, if it is not http:// and the address")
		fs.StringVar(&o.alg, "alg", "RS256", "signature of ID tokens: RS256 or ES256")
		fs.StringVar(&o.faults, "fault", "", "faults to begin with, separated by commas; the front page switches them")
		fs.BoolVar(&o.anyHost, "insecure-any-host", false, "listen on addresses that others can reach: they can sign in as anybody")
	},
	run: runDevidp,
}

func runDevidp(ctx context.Context, c *invocation) int {
	if err := devidp.ListenAddressAllowed(c.listen, c.anyHost); err != nil {
		return c.fail(fmt.Errorf("%w; --insecure-any-host permits it", err))
	}
	ln, err := listen(c.listen)
	if err != nil {
		return c.fail(err)
	}
	issuer := cmp.Or(c.issuer, "http://"+visibleAddress(c.listen, ln))
	idp, err := devidp.New(devidp.Options{Issuer: issuer, SigningAlgorithm: c.alg, Faults: splitList(c.faults)})
	if err != nil {
		ln.Close()
		return c.fail(err)
	}
	fmt.Fprintf(c.stdout, `Development identity provider: %s
Any client id, secret %q, redirect URIs on this machine only.

As a provider entry:

  dev: {issuer: %s, client_id: app, client_secret: %s, development: true}

`, issuer, devidp.DevSecret, issuer, devidp.DevSecret)
	if err := serve(ctx, ln, idp); err != nil {
		return c.fail(err)
	}
	return 0
}

// visibleAddress is the address that was asked for, with the port that it became.
func visibleAddress(asked string, ln net.Listener) string {
	host, _, err := net.SplitHostPort(asked)
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if err != nil || host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}
