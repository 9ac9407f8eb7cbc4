package process

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wayleave/wayleave/gateway"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
)

// checkStore opens the store and asks it, and leaves it as it was: what it made
// would belong to the user that checks.
func checkStore(ctx context.Context, c *config.Config, say func(string), tell teller) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	scheme, _, _ := strings.Cut(c.Store.Reveal(), ":")
	what := "store " + scheme
	if path := exclusive(c); path != "" {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			folder := filepath.Dir(path)
			_, err := os.Stat(folder)
			tell(what, err, "make the folder "+folder+" for the user that runs wayleave serve")
			if err == nil {
				say("        the file is not there yet: wayleave serve makes it")
			}
			return
		}
	}
	s, err := store.Open(ctx, c.Store.Reveal(), Kinds()...)
	if errors.Is(err, embedded.ErrInUse) {
		tell(what, nil, "")
		say("        the file is in use, as it is while wayleave serve runs: what is in it was not looked at")
		return
	}
	if err != nil {
		tell(what, err, "")
		return
	}
	defer s.Close()
	if err := checkKeys(ctx, c, s); err != nil {
		tell(what, err, storeCure(err))
		return
	}
	tell(what, nil, "")
	if a, ok := s.(store.Adviser); ok {
		warnings, err := a.Check(ctx)
		if err != nil {
			tell(what+", its settings", err, "")
		}
		for _, w := range warnings {
			say("warning store: " + w)
		}
	}
}

// checkKeys reports whether the store can be read, and with the file's keys.
func checkKeys(ctx context.Context, c *config.Config, s store.Store) error {
	used, err := index.Made(ctx, s)
	if err != nil || !used {
		return err
	}
	keys, err := readKeys(c)
	if err != nil {
		return err
	}
	g, err := gateway.New(c, gateway.Options{Store: s, Keys: keys})
	if err != nil {
		return err
	}
	return errors.Join(g.Check(ctx), g.Close())
}

// storeCure is what a person can do about an error of a store.
func storeCure(err error) string {
	if errors.Is(err, seal.ErrUnknownKey) {
		return "name the key file that the store was used with in keys again, or begin with another store"
	}
	return ""
}

// cannotUse is an error of the store, at its place in the file.
func cannotUse(c *config.Config, err error) config.Mistakes {
	return config.Mistakes{c.Mistake("store", err.Error(), storeCure(err))}
}
