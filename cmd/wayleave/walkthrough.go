package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/wayleave/wayleave/internal/walkthrough"
	"github.com/wayleave/wayleave/trace"
)

var walkthroughCommand = command{
	name:    "walkthrough",
	summary: "runs the four steps for real against the built-in provider and prints them",
	example: "wayleave walkthrough --fault wrong-nonce",
	flags: func(fs *flag.FlagSet, o *options) {
		fs.BoolVar(&o.json, "json", false, "print one JSON document, for machines")
		fs.StringVar(&o.fault, "fault", "", "let this go wrong, and show which check catches it")
		fs.BoolVar(&o.listFaults, "list-faults", false, "list what can go wrong")
		fs.BoolVar(&o.explain, "explain", false, "say what each parameter means and what each check stops")
	},
	run: runWalkthrough,
}

func runWalkthrough(ctx context.Context, c *invocation) int {
	if c.listFaults {
		return listFaults(c)
	}
	res, err := walkthrough.Run(ctx, c.fault)
	if err != nil {
		code := c.fail(err)
		if errors.Is(err, walkthrough.ErrUnknownFault) {
			fmt.Fprintln(c.stderr, "See: wayleave walkthrough --list-faults")
			code = usageStatus
		}
		return code
	}
	if c.json {
		enc := json.NewEncoder(c.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(res)
	} else {
		o := trace.TextOptions{}
		if f, ok := c.stdout.(*os.File); ok {
			o = trace.TerminalOptions(f)
		}
		o.Explain = c.explain
		err = res.WriteText(c.stdout, o)
	}
	if err != nil {
		return c.fail(err)
	}
	return res.ExitCode()
}

func listFaults(c *invocation) int {
	faults := walkthrough.Faults()
	if c.json {
		enc := json.NewEncoder(c.stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(faults); err != nil {
			return c.fail(err)
		}
		return 0
	}
	for _, f := range faults {
		fate := "survived: " + f.Survives
		if f.RefusedBy != "" {
			fate = "refused by " + string(f.RefusedBy)
		}
		fmt.Fprintf(c.stdout, "%-24s %s\n%-24s → %s\n", f.Name, f.Summary, "", fate)
	}
	return 0
}
