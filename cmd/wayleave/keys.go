package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/internal/seal"
)

var keysCommand = command{
	name:    "keys",
	summary: "makes, lists and rotates the keys that seal what is stored",
	example: `wayleave keys new /etc/wayleave/keys
  wayleave keys list /etc/wayleave/keys --admin unix:/run/wayleave/admin.sock
  wayleave keys rotate /etc/wayleave/keys      # first step: a new key, which only opens
  wayleave keys rotate /etc/wayleave/keys      # second step: the new key seals
  wayleave keys drop /etc/wayleave/keys 090d67ad --admin unix:/run/wayleave/admin.sock`,
	flags: func(fs *flag.FlagSet, o *options) {
		fs.StringVar(&o.admin, "admin", "", "list, drop: ask this admin socket what each key still seals")
		fs.BoolVar(&o.json, "json", false, "list: print one JSON document, for machines")
		fs.BoolVar(&o.yes, "yes", false, "rotate, drop: go on where there is a doubt")
	},
	maxArgs: 3,
	run:     runKeys,
}

// settleTime is how soon the second step of a rotation is taken for an accident:
// nobody restarts all processes faster.
const settleTime = time.Minute

func runKeys(ctx context.Context, c *invocation) int {
	actions := map[string]struct {
		words string
		do    func(ctx context.Context, c *invocation, file string) error
	}{
		"new":    {"FILE", newKeys},
		"list":   {"FILE", listKeys},
		"rotate": {"FILE", rotateKeys},
		"drop":   {"FILE ID", dropKey},
	}
	if len(c.args) == 0 {
		return c.misuse(errors.New("want new, list, rotate or drop"))
	}
	action, ok := actions[c.args[0]]
	want := 2
	if c.args[0] == "drop" {
		want = 3
	}
	switch {
	case !ok:
		return c.misuse(fmt.Errorf("want new, list, rotate or drop, got %q", c.args[0]))
	case len(c.args) != want:
		return c.misuse(fmt.Errorf("want: wayleave keys %s %s", c.args[0], action.words))
	}
	if err := action.do(ctx, c, c.args[1]); err != nil {
		return c.fail(err)
	}
	return 0
}

func newKeys(_ context.Context, c *invocation, file string) error {
	key, err := keyfile.New(file, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, `%s holds one new key, %s.
Keep a copy in a safe place: without it, all that it seals is lost.
Next: let the user that runs wayleave own the file, and name it in the configuration:

  keys: [file:%s]

`, file, key.ID, file)
	return nil
}

// rotateKeys takes the next of the two steps. In between, every process learns
// the new key, so that none meets a record that it cannot open.
func rotateKeys(_ context.Context, c *invocation, file string) error {
	var before, after keyfile.Entry
	second := false
	err := keyfile.Update(file, func(f *keyfile.File) error {
		before = f.Entries()[0]
		if after, second = f.Waiting(); !second {
			after = f.Add(time.Now())
			return nil
		}
		if age := time.Since(after.Added); age < settleTime && !c.yes {
			return fmt.Errorf("key %s was added %d seconds ago, and would now seal: a process that has not read it cannot open what it seals\n"+
				"restart all processes first, then run the command again; if that is done, add --yes", after.ID, max(0, int(age.Seconds())))
		}
		return f.Promote(after.ID, time.Now())
	})
	switch {
	case err != nil:
		return err
	case second:
		fmt.Fprintf(c.stdout, `Step 2 of 2: key %s seals from now on; %s still opens what it sealed.
Next: restart all wayleave processes. What is stored is then sealed again in the background.
Then drop the old key; while it still seals something, this says how much and changes nothing:

  wayleave keys drop %s %s --admin unix:/run/wayleave/admin.sock

`, after.ID, before.ID, file, before.ID)
	default:
		fmt.Fprintf(c.stdout, `Step 1 of 2: key %s is in the file. It opens, and %s still seals.
Next: copy the file to every machine and restart all wayleave processes, so that each knows the new key.
Then take the second step with the same command:

  wayleave keys rotate %s

`, after.ID, before.ID, file)
	}
	return nil
}

func dropKey(ctx context.Context, c *invocation, file string) error {
	id, ok := keyfile.ParseID(c.args[2])
	if !ok {
		return fmt.Errorf("want a key's id of 8 hexadecimal digits, got %q\nsee: wayleave keys list %s", c.args[2], file)
	}
	if err := stillNeeded(ctx, c, id); err != nil {
		return err
	}
	if err := keyfile.Update(file, func(f *keyfile.File) error { return f.Drop(id) }); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "Key %s is dropped. What it sealed cannot be opened any more, unless you keep a copy of it.\n"+
		"Next: copy the file to every machine and restart all wayleave processes.\n", id)
	return nil
}

// stillNeeded asks, where there is somebody to ask, whether a key can go.
func stillNeeded(ctx context.Context, c *invocation, id seal.KeyID) error {
	if c.admin == "" || c.yes {
		return nil
	}
	live, err := askKeys(ctx, c.admin)
	if err != nil {
		return err
	}
	n, ok := live.records(id.String())
	switch {
	case !ok:
		return fmt.Errorf("the running wayleave does not know key %s, and cannot say what it seals\n--yes drops it all the same", id)
	case live.active() == id.String():
		return fmt.Errorf("the running wayleave still seals with key %s\nrestart it to seal with the first key of the file", id)
	case n > 0:
		return fmt.Errorf("key %s still seals %s, which would be lost\nwait until they are sealed again; --yes drops it all the same", id, count(n, "record"))
	}
	return nil
}
