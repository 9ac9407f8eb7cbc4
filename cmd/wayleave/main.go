// Command wayleave shows and runs sign-in with OAuth 2.0 and OpenID Connect.
//
// Run it without arguments for the list of commands, and with --help after a
// command for its flags and an example.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	// net/http writes what unexpected peers send to the standard logger.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is one word after "wayleave".
type command struct {
	name, summary, example string
	// run returns the exit status.
	run func(ctx context.Context, c *invocation) int
	// flags declares what the command understands, besides --help.
	flags func(*flag.FlagSet, *options)
	// maxArgs is how many words it takes that are no flags, before them, behind
	// them or between them. Zero: none.
	maxArgs int
}

// options are the values of all flags; each command declares those it has.
type options struct {
	listen     string
	provider   string
	issuer     string
	anyHost    bool
	json       bool
	fault      string
	listFaults bool
	faults     string
	alg        string
	explain    bool
	lifetime   string
	admin      string
	store      string
	keys       string
	yes        bool
	all        bool
	selector   url.Values
	config     string
	offline    bool
	as         string
	request    string
	schema     bool

	fromOAuth2Proxy string
}

// invocation is a command with its parsed flags.
type invocation struct {
	options
	command        string
	args           []string // at most command.maxArgs
	stdout, stderr io.Writer
}

// fail prints an error for people and returns the status for it.
func (c *invocation) fail(err error) int {
	fmt.Fprintf(c.stderr, "wayleave: %s\n", strings.ReplaceAll(err.Error(), "\n", "\nwayleave: "))
	return 1
}

// misuse says what is wrong with the command line and returns the status for it.
func (c *invocation) misuse(err error) int {
	fmt.Fprintf(c.stderr, "wayleave %s: %v\nTry: wayleave %s --help\n", c.command, err, c.command)
	return usageStatus
}

const usageStatus = 2

var commands = []command{demoCommand, walkthroughCommand, devidpCommand, serveCommand, checkCommand, keysCommand, sessionsCommand, versionCommand}

// run is main without its process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		usage(stdout)
		return 0
	}
	for _, cmd := range commands {
		if cmd.name == args[0] {
			return cmd.invoke(ctx, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "wayleave: there is no command %q\n", args[0])
	usage(stderr)
	return usageStatus
}

func (cmd command) invoke(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := &invocation{command: cmd.name, stdout: stdout, stderr: stderr}
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if cmd.flags != nil {
		cmd.flags(fs, &c.options)
	}
	err := fs.Parse(args)
	for err == nil && fs.NArg() > 0 && len(c.args) < cmd.maxArgs {
		c.args = append(c.args, fs.Arg(0))
		err = fs.Parse(fs.Args()[1:])
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		cmd.help(stdout, fs)
		return 0
	case err == nil && fs.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err != nil {
		return c.misuse(err)
	}
	return cmd.run(ctx, c)
}

func (cmd command) help(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprintf(w, "wayleave %s: %s\n\nExample:\n  %s\n", cmd.name, cmd.summary, cmd.example)
	some := false
	fs.VisitAll(func(f *flag.Flag) {
		if !some {
			fmt.Fprint(w, "\nFlags:\n")
			some = true
		}
		def := ""
		if f.DefValue != "" && f.DefValue != "false" {
			def = " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  --%-14s %s%s\n", f.Name, f.Usage, def)
	})
}

func usage(w io.Writer) {
	fmt.Fprint(w, "wayleave signs users in with OAuth 2.0 and OpenID Connect.\n\nCommands:\n")
	for _, cmd := range commands {
		fmt.Fprintf(w, "  %-12s %s\n", cmd.name, cmd.summary)
	}
	fmt.Fprint(w, "\nEach command has --help with an example.\n")
}
