package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/gateway/process"
)

var serveCommand = command{
	name:    "serve",
	summary: "puts sign-in in front of an app in any language, as its proxy or beside one",
	example: "wayleave serve --config wayleave.yaml",
	flags: func(fs *flag.FlagSet, o *options) {
		fs.StringVar(&o.config, "config", "wayleave.yaml", "the file that says what is protected, and for whom")
	},
	run: runServe,
}

func runServe(ctx context.Context, c *invocation) int {
	if err := process.Serve(ctx, c.config, c.stdout); err != nil {
		return c.failConfig(err)
	}
	return 0
}

// failConfig prints mistakes with their lines of the file.
func (c *invocation) failConfig(err error) int {
	mistakes, ok := errors.AsType[config.Mistakes](err)
	if !ok {
		return c.fail(err)
	}
	fmt.Fprintln(c.stderr, mistakes.Explain())
	if len(mistakes) == 1 {
		fmt.Fprintln(c.stderr, "\nwayleave: 1 mistake")
	} else {
		fmt.Fprintf(c.stderr, "\nwayleave: %d mistakes\n", len(mistakes))
	}
	return 1
}
