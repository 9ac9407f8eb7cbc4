package postgres

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// parse reads the URL. Its errors do not show what may be a password.
func parse(rawURL string) (*pgxpool.Config, error) {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return nil, errors.New("a PostgreSQL store is named by a URL that begins with postgres:// or postgresql://")
	}
	// A second @, or one after the host, comes from a password that is not
	// escaped, of which the rest would pass for the name of a database.
	at, end := strings.LastIndex(rest, "@"), strings.IndexAny(rest, "/?")
	if at != strings.Index(rest, "@") || end >= 0 && at > end || strings.Contains(rest, "#") {
		return nil, errEscape
	}
	c, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return nil, explain(scheme, rest)
	}
	if given := parameters(rawURL); encryptionChosen(given) || local(c) {
		return c, nil
	}
	separator := "?"
	if strings.Contains(rawURL, "?") {
		separator = "&"
	}
	if c, err = pgxpool.ParseConfig(rawURL + separator + "sslmode=verify-full"); err != nil {
		return nil, explain(scheme, rest)
	}
	return c, nil
}

// parameters returns what follows the question mark.
func parameters(rawURL string) url.Values {
	_, query, _ := strings.Cut(rawURL, "?")
	values, _ := url.ParseQuery(query) // what is broken in it, pgx has refused
	return values
}

// encryptionChosen tells whether somebody has said how to encrypt: in the URL,
// in the environment, or, as far as we can see, in a service file.
func encryptionChosen(given url.Values) bool {
	for _, name := range []string{"sslmode", "ssl", "service"} {
		if given.Get(name) != "" {
			return true
		}
	}
	return os.Getenv("PGSSLMODE") != "" || os.Getenv("PGSERVICE") != ""
}

// local tells whether all hosts are this machine.
func local(c *pgxpool.Config) bool {
	hosts := []string{c.ConnConfig.Host}
	for _, f := range c.ConnConfig.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	for _, host := range hosts {
		address, err := netip.ParseAddr(host)
		loopback := err == nil && address.IsLoopback()
		if !loopback && host != "localhost" && !strings.HasPrefix(host, "/") {
			return false
		}
	}
	return true
}

// encrypted tells whether there is no way to connect but an encrypted one.
func encrypted(c *pgxpool.Config) bool {
	for _, f := range c.ConnConfig.Fallbacks {
		if f.TLSConfig == nil {
			return false
		}
	}
	return c.ConnConfig.TLSConfig != nil
}

var (
	errHidden = errors.New("the URL of the PostgreSQL store cannot be used, and is not shown because it may hold a password")
	errEscape = fmt.Errorf("%w: in user, password and parameters write %%40 for @, %%2F for /, %%3A for :, %%3F for ?, %%23 for # and %%25 for %%", errHidden)
)

// explain says what is wrong with a URL that cannot be parsed, as far as that
// can be said without the passwords in it: it asks again about one that has
// none.
func explain(scheme, rest string) error {
	user, host, found := strings.Cut(rest, "@")
	if !found {
		user, host = "", rest
		if strings.Contains(rest, ":") {
			return errHidden // what follows the colon may be a port or a password
		}
	}
	if query, err := url.QueryUnescape(host); err != nil || strings.Contains(strings.ToLower(query), "password") {
		return errHidden
	}
	_, err := pgxpool.ParseConfig(scheme + "://" + host)
	if err == nil && user != "" {
		return errEscape
	}
	return fmt.Errorf("the URL of the PostgreSQL store, here without user and password: %w", err)
}
