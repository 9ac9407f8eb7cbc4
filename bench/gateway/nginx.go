//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// nginx starts the one of docs/forward-auth.md, which asks the gateway about
// each request, and at another address of it asks nobody.
func (b *bench) nginx(address, plain, gateway string) (*child, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			return nil, missingError{"nginx", "apt install nginx"}
		}
	}
	example, err := os.ReadFile(filepath.Join(b.repository, "examples", "gateway", "nginx.conf"))
	if err != nil {
		return nil, err
	}
	text := string(example)
	for _, change := range [][2]string{
		{"127.0.0.1:8001", gateway},
		{"127.0.0.1:3000", b.backendAddress},
		{"127.0.0.1:8000", address},
		{"events {}", "events { worker_connections 4096; }"},
		{"http {", fmt.Sprintf(asksNobody, plain)},
	} {
		if !strings.Contains(text, change[0]) {
			return nil, fmt.Errorf("examples/gateway/nginx.conf does not hold %q any more", change[0])
		}
		text = strings.ReplaceAll(text, change[0], change[1])
	}
	// As many as the load has: to make connections costs more than all the rest.
	text = keepalive.ReplaceAllString(text, "keepalive 64;")
	file := filepath.Join(b.dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return b.start(nil, servingCore, "nginx", address, program, "-e", "stderr", "-p", b.dir, "-c", file)
}

var keepalive = regexp.MustCompile(`keepalive [0-9]+;`)

const asksNobody = `http {
	keepalive_requests 100000000; # the load keeps its connections
	server {
		listen %s;
		location / {
			proxy_pass http://app;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
		}
	}
`
