package main

import (
	"fmt"
	"os"

	"github.com/wayleave/wayleave/internal/oauth2proxy"
)

// convert prints our config for one of oauth2-proxy's. What needs a person's
// decision goes to the standard error, and stands in the config as comments.
func (c *invocation) convert() int {
	content, err := os.ReadFile(c.fromOAuth2Proxy)
	if err != nil {
		return c.fail(err)
	}
	result, err := oauth2proxy.Convert(c.fromOAuth2Proxy, content, os.Environ())
	if err != nil {
		return c.fail(err)
	}
	fmt.Fprintf(c.stdout, "%s", result.YAML)
	for _, n := range result.Notes {
		fmt.Fprintln(c.stderr, n)
	}
	return 0
}
