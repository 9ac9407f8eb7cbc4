package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/gateway/process"
)

var checkCommand = command{
	name:    "check",
	summary: "says what is wrong with a config file, or why somebody may do something",
	example: `wayleave check --config wayleave.yaml --as ada.json --request "GET /admin"`,
	flags: func(fs *flag.FlagSet, o *options) {
		fs.StringVar(&o.config, "config", "wayleave.yaml", "the file to check")
		fs.BoolVar(&o.offline, "offline", false, "do not connect to providers, store and upstreams")
		fs.StringVar(&o.as, "as", "", "explain a decision about this person: a JSON file, or - for the standard input; see docs/rules.md")
		fs.StringVar(&o.request, "request", "", `the request that is decided about, such as "GET /admin" or "GET https://app.example.com/admin"`)
		fs.StringVar(&o.fromOAuth2Proxy, "from-oauth2-proxy", "", "print our config for this one of oauth2-proxy")
		fs.BoolVar(&o.schema, "schema", false, "print the JSON Schema of the config file, for editors")
	},
	run: runCheck,
}

func runCheck(ctx context.Context, c *invocation) int {
	switch {
	case c.schema:
		fmt.Fprintf(c.stdout, "%s\n", config.Schema())
		return 0
	case c.fromOAuth2Proxy != "":
		return c.convert()
	case c.as != "" && c.request == "":
		return c.misuse(errors.New(`--as needs --request, such as --request "GET /admin"`))
	case c.request != "":
		return c.explainDecision()
	}
	cfg, err := config.Read(c.config, os.LookupEnv)
	if err == nil {
		err = process.Check(cfg)
	}
	if err != nil {
		return c.failConfig(err)
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintf(c.stdout, "warning: %s\n", w.Explain())
	}
	if c.offline {
		fmt.Fprintf(c.stdout, "%s is right, as far as one can tell without connecting.\n", c.config)
		return 0
	}
	if problems := process.Connect(ctx, cfg, func(line string) { fmt.Fprintln(c.stdout, line) }); problems > 0 {
		fmt.Fprintf(c.stderr, "wayleave: %d of what the file names does not work\n", problems)
		return 1
	}
	return 0
}
