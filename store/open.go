package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Kind is one kind of store, for [Open]. Each package below this one has a
// function that returns its own.
type Kind struct {
	// Schemes are what its URLs begin with, before the colon.
	Schemes []string
	// Open opens the store that such a URL names.
	Open func(ctx context.Context, url string) (Store, error)
}

// Open opens the store that a URL names:
//
//	s, err := store.Open(ctx, os.Getenv("STORE"), embedded.Kind(), redis.Kind(), postgres.Kind())
//
// The kinds are those that the program was built with, so that it links no
// other. The error of an unknown URL names them and repeats only the scheme:
// URLs carry passwords.
func Open(ctx context.Context, url string, kinds ...Kind) (Store, error) {
	scheme, _, _ := strings.Cut(url, ":")
	var known []string
	for _, k := range kinds {
		if slices.Contains(k.Schemes, scheme) {
			return k.Open(ctx, url)
		}
		known = append(known, k.Schemes...)
	}
	if !strings.Contains(url, ":") {
		scheme = ""
	}
	return nil, fmt.Errorf("store URL begins with %q: this program knows %s", scheme+":", strings.Join(known, ":, ")+":")
}
