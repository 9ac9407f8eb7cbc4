package memory

import (
	"context"
	"errors"

	"github.com/wayleave/wayleave/store"
)

// Kind is the store whose URL is "memory:", with the bounds of the zero
// [Options].
func Kind() store.Kind {
	return store.Kind{Schemes: []string{"memory"}, Open: openURL}
}

func openURL(ctx context.Context, url string) (store.Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if url != "memory:" {
		return nil, errors.New(`store URL begins with "memory:" and goes on: want "memory:" alone, which has no settings`)
	}
	return New(Options{}), nil
}
