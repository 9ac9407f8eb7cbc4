//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"

	"github.com/wayleave/wayleave/gateway/process"
)

// build builds the command and makes its key.
func (b *bench) build() error {
	if b.wayleave == "" {
		b.wayleave = filepath.Join(b.dir, "wayleave")
		cmd := exec.Command("go", "build", "-o", b.wayleave, "./cmd/wayleave")
		cmd.Dir = b.repository
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd, err, text)
		}
	}
	if text, err := exec.Command(b.wayleave, "keys", "new", filepath.Join(b.dir, "keys")).CombinedOutput(); err != nil {
		return fmt.Errorf("wayleave keys new: %w\n%s", err, text)
	}
	return nil
}

// configuration has what a real one has: several rules, identity headers,
// metrics and a line for each request.
const configuration = `
listen: %[1]s
base_url: http://%[2]s
keys: keys
store: %[3]s
health: %[4]s
trusted_proxies: [127.0.0.1]
forward_auth: true
limits: {logins: 1000000/s} # all logins come from one address here
providers:
  dev: {issuer: "http://%[5]s", client_id: %[6]s, client_secret: %[7]s, development: true}
routes:
  - path: /public
    allow: public
    %[8]s
  - path: /admin
    allow: {groups: [admins], email_domains: [example.com]}
    %[8]s
  - path: /
    allow: [{email_domains: [example.org]}, {email_domains: [example.com], groups: [staff]}]
    %[8]s
`

// gateway starts Wayleave for a public host, over a store.
func (b *bench) gateway(name, host, store string) (c *child, address string, err error) {
	if address, err = free(); err != nil {
		return nil, "", err
	}
	health, err := free()
	if err != nil {
		return nil, "", err
	}
	if host == "" {
		host = address
	}
	upstream := "upstream: http://" + b.backendAddress
	file := filepath.Join(b.dir, name+".yaml")
	text := fmt.Sprintf(configuration, address, host, store, health, b.providerAddress, clientID, clientSecret, upstream)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	argv := []string{b.wayleave, "serve", "--config", file}
	if name == "other" {
		argv[0] = b.other
	}
	if b.profile != "" && name == "embedded" {
		argv = []string{b.self, "profiled", file, b.profile}
	}
	c, err = b.start(nil, servingCore, name, address, argv...)
	return c, address, err
}

// profiled serves in this process, and writes a CPU profile when it ends: for
// reading, and for go build -pgo.
func profiled(config, profile string) error {
	f, err := os.Create(profile)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return process.Serve(context.Background(), config, os.Stdout)
}
