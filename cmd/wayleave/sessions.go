package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"time"
)

var sessionsCommand = command{
	name:    "sessions",
	summary: "lists and ends the sessions of a running wayleave",
	example: `wayleave sessions list --admin unix:/run/wayleave/admin.sock --email ada@example.com
  wayleave sessions end --admin unix:/run/wayleave/admin.sock --idle 720h`,
	flags: func(fs *flag.FlagSet, o *options) {
		o.selector = url.Values{}
		fs.StringVar(&o.admin, "admin", "", "the admin socket, as the configuration names it: unix:/path")
		fs.BoolVar(&o.json, "json", false, "print JSON, for machines: one session a line")
		fs.BoolVar(&o.all, "all", false, "end: every session there is")
		fs.Func("user", "only this user's: the stable id", o.selectText("user"))
		fs.Func("email", "only those of this address", o.selectText("email"))
		fs.Func("provider", "only those signed in with this provider", o.selectText("provider"))
		fs.Func("id", "only this one, as list shows it", o.selectText("id"))
		fs.Func("older", "only those signed in longer ago than this, such as 24h", o.selectAge("older"))
		fs.Func("idle", "only those last seen longer ago than this, such as 2h", o.selectAge("idle"))
	},
	maxArgs: 1,
	run:     runSessions,
}

// selectText refuses an empty value: from a variable that a script forgot to set
// it would select everybody.
func (o *options) selectText(name string) func(string) error {
	return func(value string) error {
		if value == "" {
			return errors.New("must not be empty")
		}
		o.selector.Set(name, value)
		return nil
	}
}

func (o *options) selectAge(name string) func(string) error {
	return func(value string) error {
		age, err := time.ParseDuration(value)
		if err != nil || age <= 0 {
			return errors.New("want a duration such as 2h or 30m")
		}
		o.selector.Set(name, age.String())
		return nil
	}
}

func runSessions(ctx context.Context, c *invocation) int {
	if len(c.args) == 0 || c.args[0] != "list" && c.args[0] != "end" {
		return c.misuse(errors.New("want list or end"))
	}
	end := c.args[0] == "end"
	switch {
	case !end && c.all:
		return c.misuse(errors.New("--all is for end; list shows all that nothing else leaves out"))
	case end && c.all && len(c.selector) > 0:
		return c.misuse(errors.New("--all ends every session there is: leave it out, or leave the others out"))
	case end && !c.all && len(c.selector) == 0:
		return c.misuse(errors.New("say which sessions to end, for example with --user; --all ends every session there is"))
	case c.admin == "":
		return c.misuse(errors.New("--admin is missing: the admin socket, as the configuration names it"))
	}
	admin, err := openAdmin(c.admin)
	if err == nil && end {
		err = endSessions(ctx, c, admin)
	} else if err == nil {
		err = listSessions(ctx, c, admin)
	}
	if err != nil {
		return c.fail(err)
	}
	return 0
}

func endSessions(ctx context.Context, c *invocation, admin *admin) error {
	form := c.selector
	if c.all {
		form = url.Values{"all": {"true"}}
	}
	var answer struct {
		Ended *int `json:"ended"`
	}
	if err := admin.postForm(ctx, "/sessions/end", form, &answer); err != nil {
		return err
	}
	switch {
	case answer.Ended == nil:
		return admin.strange("the answer does not say how many sessions ended")
	case c.json:
		return json.NewEncoder(c.stdout).Encode(answer)
	case *answer.Ended == 0:
		fmt.Fprintln(c.stdout, "No session matched, none ended.")
	default:
		fmt.Fprintf(c.stdout, "%s ended.\n", count(*answer.Ended, "session"))
	}
	return nil
}
