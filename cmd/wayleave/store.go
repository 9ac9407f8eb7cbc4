package main

import (
	"context"
	"errors"
	"strings"

	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
	"github.com/wayleave/wayleave/store/memory"
	"github.com/wayleave/wayleave/store/postgres"
	"github.com/wayleave/wayleave/store/redis"
)

// openStore opens the store that a URL names, and reads the keys that seal what
// is in it. Without a file there are none, which only the memory store can do.
func openStore(ctx context.Context, url, keys string) (store.Store, [][]byte, error) {
	var ring [][]byte
	if keys != "" {
		file, err := keyfile.Read(keys)
		if err != nil {
			return nil, nil, err
		}
		ring = file.Keys()
	} else if !strings.HasPrefix(url, "memory:") {
		return nil, nil, errors.New("this store outlives the process: make keys with \"wayleave keys new FILE\" and name the file with --keys")
	}
	s, err := store.Open(ctx, url, memory.Kind(), embedded.Kind(), redis.Kind(), postgres.Kind())
	return s, ring, err
}
