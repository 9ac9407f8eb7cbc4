package postgres_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/store/postgres"
)

const secret = "s3cr3t-canary"

func TestURLsThatCannotBeUsed(t *testing.T) {
	for name, test := range map[string]struct{ url, want string }{
		"empty":                       {"", "begins with postgres://"},
		"another scheme":              {"mysql://user:" + secret + "@db/app", "begins with postgres://"},
		"keywords and values":         {"host=db user=app password=" + secret, "begins with postgres://"},
		"a misspelt mode":             {"postgres://user:" + secret + "@127.0.0.1/app?sslmode=verify", "sslmode is invalid"},
		"a missing CA file":           {"postgres://user:" + secret + "@127.0.0.1/app?sslrootcert=/nowhere.pem", "/nowhere.pem"},
		"a port that is none":         {"postgres://user:" + secret + "@127.0.0.1:many/app", "port"},
		"a port that is too large":    {"postgres://user:" + secret + "@127.0.0.1:99999/app", "port"},
		"a pool of letters":           {"postgres://user:" + secret + "@127.0.0.1/app?pool_max_conns=many", "pool_max_conns"},
		"an @ in the password":        {"postgres://user:a@b" + secret + "@127.0.0.1/app", "write %40 for @"},
		"a slash in the password":     {"postgres://user:a/" + secret + "@127.0.0.1/app", "%2F for /"},
		"a slash after digits":        {"postgres://user:12/" + secret + "@127.0.0.1/app", "%2F for /"},
		"a number sign in it":         {"postgres://user:a#" + secret + "@127.0.0.1/app", "%23 for #"},
		"a number sign after digits":  {"postgres://user:12#" + secret + "@127.0.0.1/app", "%23 for #"},
		"a question mark in it":       {"postgres://user:a?" + secret + "@127.0.0.1/app", "%3F for ?"},
		"a question mark after 12":    {"postgres://user:12?" + secret + "@127.0.0.1/app", "%3F for ?"},
		"a percent sign in it":        {"postgres://user:a%zz" + secret + "@127.0.0.1/app", "%25 for %"},
		"a zero byte in it":           {"postgres://user:a\x00" + secret + "@127.0.0.1/app", "write %40"},
		"a misspelt mode and more":    {"postgres://user:a:" + secret + "@127.0.0.1/app?sslmode=verify", "sslmode is invalid"},
		"a password as a parameter":   {"postgres://127.0.0.1:x/app?user=u&password=" + secret, ""},
		"an escaped parameter name":   {"postgres://127.0.0.1:x/app?user=u&p%61ssword=" + secret, ""},
		"no host after the password":  {"postgres://user:" + secret, ""},
		"no user before the password": {"postgres://:" + secret + "@:x/app", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), test.url, postgres.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
			wantNoSecret(t, err)
		})
	}
}

func TestPasswordsThatAreEscaped(t *testing.T) {
	server := shared.Server(t)
	address := server.Database(t)
	const strange = `:/?#[]@ !$&'()*+,;=%"<>\^{}|~äß`
	server.Exec(t, `CREATE ROLE strange LOGIN PASSWORD '`+strings.ReplaceAll(strange, "'", "''")+`'`)
	t.Cleanup(func() { server.Exec(t, `DROP ROLE strange`) })
	openStore(t, address, postgres.Options{})
	conn := psql(t, address)
	execute(t, conn, `GRANT USAGE ON SCHEMA wayleave TO strange`)
	execute(t, conn, `GRANT SELECT ON ALL TABLES IN SCHEMA wayleave TO strange`)
	defer execute(t, conn, `DROP SCHEMA wayleave CASCADE`)
	s := openStore(t, withUser(t, address, "strange", strange), postgres.Options{})
	defer s.Close()
	if _, _, found, err := s.Get(t.Context(), sessions, randomKey()); err != nil || found {
		t.Errorf("found %t, error %v", found, err)
	}
}

// Whatever is in a password, no error shows it.
func FuzzURL(f *testing.F) {
	for _, sample := range []string{"", "a", ":", "/", "?", "#", "@", "%", "%4", "12/", "12?", "1:2", "\x00", " ", "[", "]:1", "?password=", "\n"} {
		f.Add(sample, sample, "127.0.0.1")
	}
	f.Fuzz(func(t *testing.T, before, after, host string) {
		address := "postgres://user:" + before + secret + after + "@" + host + "/app"
		c, err := postgres.Configure(address, new(postgres.Options))
		wantNoSecret(t, err)
		if err == nil && strings.Contains(c.ConnConfig.Host+c.ConnConfig.Database+c.ConnConfig.User+fmt.Sprint(c.ConnConfig.RuntimeParams), secret) {
			t.Errorf("what an error will show holds a part of the password")
		}
	})
}

// The server is reached and says no. Nothing that passes by itself.
func TestOpenIsRefused(t *testing.T) {
	address := shared.Server(t).Database(t)
	for name, test := range map[string]struct{ url, want string }{
		"wrong password":    {withUser(t, address, "wayleave", secret), "password authentication failed"},
		"no such user":      {withUser(t, address, "nobody", secret), "password authentication failed"},
		"no such database":  {address + "_not", "does not exist"},
		"no such parameter": {address + "?no_such_setting=1", "no_such_setting"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), test.url, postgres.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v, want one with %q", err, test.want)
			}
			wantNoSecret(t, err)
		})
	}
	t.Run("an ended context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := postgres.Open(ctx, address, postgres.Options{}); !errors.Is(err, ctx.Err()) {
			t.Errorf("error is %v, want %v", err, ctx.Err())
		}
	})
}

// Nothing of a password, a value or a whole key appears in an error or in the
// server's log, whatever goes wrong.
func TestSecretsStaySecret(t *testing.T) {
	server := shared.Server(t)
	address := server.Database(t)
	logged := len(server.Log(t))
	s := openStore(t, address, postgres.Options{Timeout: 2 * time.Second})
	key := randomKey()
	rec := lasting(secret, key)
	v := mustCreate(t, s, sessions, key, rec)
	conn := psql(t, address)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	check := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", what)
			return
		}
		for _, hidden := range []string{secret, password, string(key[:]), fmt.Sprintf("%x", key), fmt.Sprintf("%X", key)} {
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: error %q shows a secret", what, err)
			}
		}
	}
	execute(t, conn, `ALTER TABLE wayleave.records RENAME TO gone`)
	_, _, _, err = s.Get(t.Context(), sessions, key)
	check("Get without a table", err)
	_, _, err = s.Take(t.Context(), sessions, key)
	check("Take without a table", err)
	_, _, err = s.Lookup(t.Context(), sessions, key, 1)
	check("Lookup without a table", err)
	execute(t, conn, `ALTER TABLE wayleave.gone RENAME TO records`)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE wayleave.records`); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = s.Get(t.Context(), sessions, key)
	check("Get of a locked table", err)
	tx.Rollback(t.Context())
	for _, hidden := range []string{secret, password, fmt.Sprintf("%x", key), fmt.Sprintf("%x", secret)} {
		if strings.Contains(string(server.Log(t)[logged:]), hidden) {
			t.Error("the server's log shows a secret")
		}
	}

	// Last, for this makes the server itself log the row: our own schema has
	// no constraint that a call could violate.
	execute(t, conn, `ALTER TABLE wayleave.records ADD CONSTRAINT no_more CHECK (version < 0) NOT VALID`)
	_, err = s.Create(t.Context(), sessions, randomKey(), rec)
	check("Create against a constraint", err)
	_, err = s.Replace(t.Context(), sessions, key, v, rec)
	check("Replace against a constraint", err)
}

func TestEncryption(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	t.Setenv("PGSERVICE", "")
	for name, test := range map[string]struct {
		url                 string
		encrypted, verified bool
	}{
		"another machine":                     {"postgres://u:p@db.example/app", true, true},
		"another machine, with a parameter":   {"postgres://u:p@db.example/app?pool_max_conns=2", true, true},
		"another machine, by address":         {"postgres://u:p@192.0.2.1/app", true, true},
		"two machines":                        {"postgres://u:p@one.example:1,two.example:2/app", true, true},
		"this machine and another":            {"postgres://u:p@127.0.0.1,db.example/app", true, true},
		"not this machine":                    {"postgres://u:p@localhost.db.example/app", true, true},
		"another machine, said otherwise":     {"postgres://u:p@db.example/app?sslmode=disable", false, false},
		"another machine, only encrypted":     {"postgres://u:p@db.example/app?sslmode=require", true, false},
		"another machine, said to be checked": {"postgres://u:p@db.example/app?sslmode=verify-full", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := postgres.Configure(test.url, new(postgres.Options))
			if err != nil {
				t.Fatal(err)
			}
			ways := []*tls.Config{c.ConnConfig.TLSConfig}
			for _, f := range c.ConnConfig.Fallbacks {
				ways = append(ways, f.TLSConfig)
			}
			for _, way := range ways {
				if (way != nil) != test.encrypted || way != nil && !way.InsecureSkipVerify != test.verified {
					t.Errorf("one way to connect: encrypted %t, want %t, and verified %t", way != nil, test.encrypted, test.verified)
				}
			}
		})
	}
	t.Run("another machine, with an empty mode", func(t *testing.T) {
		c, err := postgres.Configure("postgres://u:p@db.example/app?sslmode=", new(postgres.Options))
		if err == nil && (c.ConnConfig.TLSConfig == nil || c.ConnConfig.TLSConfig.InsecureSkipVerify) {
			t.Error("not verified")
		}
	})
	for _, this := range []string{"127.0.0.1", "[::1]", "localhost", "127.0.0.1,localhost", "%2Frun%2Fpostgresql"} {
		t.Run("this machine as "+this, func(t *testing.T) {
			c, err := postgres.Configure("postgres://u:p@"+this+"/app", new(postgres.Options))
			if err != nil {
				t.Fatal(err)
			}
			plain := c.ConnConfig.TLSConfig == nil
			for _, f := range c.ConnConfig.Fallbacks {
				plain = plain || f.TLSConfig == nil
			}
			if !plain {
				t.Error("no way to connect without encryption")
			}
		})
	}
	t.Run("PGSSLMODE decides", func(t *testing.T) {
		t.Setenv("PGSSLMODE", "disable")
		c, err := postgres.Configure("postgres://u:p@db.example/app", new(postgres.Options))
		if err != nil || c.ConnConfig.TLSConfig != nil {
			t.Errorf("encrypted %t, error %v", c.ConnConfig.TLSConfig != nil, err)
		}
	})
}

func wantNoSecret(t testing.TB, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("error %q shows the password", err)
	}
}
