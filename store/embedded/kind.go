package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/wayleave/wayleave/store"
)

// Kind is the store whose URL names its file: "file:/var/lib/wayleave.db", or
// "file:wayleave.db" below the working directory. What a URL gives a meaning
// (%, ? and #) is written as %25, %3F and %23. The store has the zero
// [Options].
func Kind() store.Kind {
	return store.Kind{Schemes: []string{"file"}, Open: openURL}
}

func openURL(ctx context.Context, raw string) (store.Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := parsePath(raw)
	if err != nil {
		return nil, fmt.Errorf(`store URL of a file: %w, want "file:/absolute/path" or "file:relative/path"`, err)
	}
	s, err := Open(path, Options{})
	if err != nil {
		return nil, err // not a nil *Store in an interface
	}
	return s, nil
}

// parsePath returns the path of a file URL. Its error does not repeat the URL:
// whoever mixed up two of them may have written a password into this one.
func parsePath(raw string) (string, error) {
	u, err := url.Parse(raw)
	if e, ok := errors.AsType[url.EscapeError](err); ok {
		return "", e
	}
	switch {
	case err != nil:
		return "", errors.New("it cannot be parsed")
	case u.Host != "" || u.User != nil:
		return "", errors.New("it names a host")
	case u.RawQuery != "" || u.ForceQuery:
		return "", errors.New("it has a query")
	case u.Fragment != "":
		return "", errors.New("it has a fragment")
	}
	path := u.Path
	if u.Opaque != "" { // a relative path, which Parse leaves as it is
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return "", err
		}
	}
	if path == "" {
		return "", errors.New("it names no file")
	}
	return path, nil
}
