//go:build linux

package main

import (
	"crypto/rand"
	"os/exec"
)

// oauth2proxy starts the peer, where it is installed, with its sessions in
// cookies, PKCE and nonce checks on, and no logs, which is how it is fastest.
func (b *bench) oauth2proxy() (*listening, error) {
	const name = "oauth2-proxy"
	program, err := exec.LookPath(name)
	if err != nil {
		return nil, missingError{name, "go install github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.3, and put it in PATH"}
	}
	address, err := free()
	if err != nil {
		return nil, err
	}
	c, err := b.start(nil, servingCore, name, address, program,
		"--http-address="+address, "--upstream=http://"+b.backendAddress, "--redirect-url=http://"+address+"/oauth2/callback",
		"--provider=oidc", "--oidc-issuer-url=http://"+b.providerAddress, "--client-id="+clientID, "--client-secret="+clientSecret,
		"--scope=openid email profile", "--code-challenge-method=S256", "--insecure-oidc-skip-nonce=false", "--skip-provider-button=true",
		"--cookie-secret="+(rand.Text() + rand.Text())[:32], "--cookie-secure=false", "--email-domain=example.com", "--pass-access-token=true",
		"--request-logging=false", "--auth-logging=false", "--standard-logging=false")
	if err != nil {
		return nil, err
	}
	return &listening{child: c, name: name, address: address, pids: []int{c.Pid()}}, nil
}
