package replicas_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/internal/keyfile"
	"github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/embedded"
	"github.com/wayleave/wayleave/store/postgres"
	redisstore "github.com/wayleave/wayleave/store/redis"
)

// TestSES15_A167_AStolenStoreTellsNothing searches what stores leave on disk for
// all that identifies a person or opens something: who they are, and each code,
// token and id that went over the wire.
func TestSES15_A167_AStolenStoreTellsNothing(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "store.db")
		c := newCanary(t, "file:"+file)
		c.live(t)
		c.look(t, func() []string { return []string{file} })
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		// Compression hides what is there from a search, not from a thief.
		s := redis.Start(t, redis.Options{Durable: true, Settings: map[string]string{"rdbcompression": "no", "aof-use-rdb-preamble": "no"}})
		c := newCanary(t, s.URL())
		c.live(t)
		c.look(t, func() []string {
			s.CLI(t, "SAVE")
			for _, pattern := range []string{"dump.rdb", "appendonlydir/*.aof"} {
				if found, _ := filepath.Glob(filepath.Join(s.Dir(), pattern)); len(found) == 0 {
					t.Errorf("no file is called %s", pattern)
				}
			}
			return []string{s.Dir()}
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		s := shared.Server(t)
		c := newCanary(t, s.Database(t))
		c.live(t)
		c.look(t, func() []string {
			s.Exec(t, "CHECKPOINT")
			return []string{filepath.Join(s.Dir(), "data"), dump(t, c.f.store)}
		})
	})
}

// canary is a person whom one would recognise.
type canary struct {
	f      *fleet
	search search
	email  string
}

func newCanary(t *testing.T, store string) *canary {
	word := strings.ToLower(rand.Text())
	who := devidp.Person{Subject: "canary-subject-" + word, Name: "Canary Name " + word, Email: "canary-" + word + "@example.com", EmailVerified: true}
	c := &canary{f: newFleet(newIDP(t, []devidp.Person{who}), newDatabase(t, store, "", 1)), email: who.Email}
	for _, known := range []string{word, who.Subject, who.Name, who.Email} {
		c.search.add(known)
	}
	return c
}

// live does what people do, with grants of both kinds, and leaves something in
// each state behind: sessions, ended and not, grants that are waiting to be
// revoked, claims of logins and of logout tokens, marks of logouts.
func (c *canary) live(t *testing.T) {
	who := c.f.idp.people[0].Subject
	var logs []byte
	for _, args := range [][]string{nil, {"-offline"}} {
		c.f.args = args
		r := c.f.start(t, 1)[0]
		c.f.idp.channel.Store(r)
		c.f.idp.claim(dueAtOnce)
		for _, what := range []func(*browser) error{
			func(b *browser) error { return c.use(b, r) },
			func(b *browser) error {
				if err := c.f.idp.SetFaults("revocation-503-once"); err != nil {
					return err
				}
				return b.logout(t.Context(), r)
			},
			func(b *browser) error {
				// A login in the same second would be meant by the logout token.
				defer time.Sleep(time.Second)
				return c.f.idp.EndSessions(t.Context(), who)
			},
			func(b *browser) error { return c.use(b, r) }, // the one who stays
		} {
			b := c.f.browser(who)
			if err := b.signIn(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			c.remember(b)
			if err := what(b); err != nil {
				t.Fatal(err)
			}
			c.remember(b)
		}
		if n := r.sessions(t, url.Values{}); n != 1 {
			t.Errorf("%d sessions are left, want one", n)
		}
		r.stop()
		logs = append(logs, r.log()...)
	}
	c.learn(t)
	if found := c.search.in(logs); len(found) > 0 {
		t.Errorf("the app's log has %d of the values", len(found))
	}
}

// learn adds what went over the wire, and the keys.
func (c *canary) learn(t *testing.T) {
	c.f.idp.mu.Lock()
	defer c.f.idp.mu.Unlock()
	for secret := range c.f.idp.spoken {
		c.search.add(secret)
		var claims struct{ Sid, Jti, Nonce string }
		if parts := strings.Split(secret, "."); len(parts) == 3 && decode(parts[1], &claims) {
			for _, name := range []string{claims.Sid, claims.Jti, claims.Nonce} {
				c.search.add(name)
			}
		}
	}
	file, err := keyfile.Read(c.f.keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range file.Keys() {
		c.search.addBytes("key", key)
	}
}

func (c *canary) use(b *browser, at *replica) error {
	got, err := b.open(context.Background(), at, "/api")
	if err == nil && got.StatusCode != http.StatusOK {
		err = fmt.Errorf("the API answered %v", got)
	}
	return err
}

// remember adds the browser's cookies.
func (c *canary) remember(b *browser) {
	u, _ := url.Parse(baseURL + "/auth/dev/callback")
	for _, one := range b.jar.Cookies(u) {
		c.search.add(one.Value)
	}
}

// look finds nothing, and then, to show that it would have, a record that is
// written without being sealed, in each of the places.
func (c *canary) look(t *testing.T, places func() []string) {
	t.Helper()
	for _, place := range places() {
		found, size := c.search.files(t, place)
		t.Logf("%d forms of values looked for in %d bytes", c.search.count, size)
		for file, values := range found {
			t.Errorf("%s has %d of the values", file, len(values))
		}
	}
	s, err := store.Open(t.Context(), c.f.store, embedded.Kind(), redisstore.Kind(), postgres.Kind())
	if err != nil {
		t.Fatal(err)
	}
	var k store.Key
	rand.Read(k[:])
	_, err = s.Create(t.Context(), "control", k, store.Record{Value: []byte("not sealed: " + c.email), Expires: time.Now().Add(time.Hour)})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, place := range places() {
		found, _ := c.search.files(t, place)
		values := map[string]bool{}
		for _, in := range found {
			maps.Copy(values, in)
		}
		if !values[c.email] {
			t.Errorf("what is not sealed is not found in %s", place)
		}
	}
}

// dump writes all that a database's tables have into a file, which the search
// can read even where the server's own files are compressed.
func dump(t *testing.T, url string) (file string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		t.Fatalf("tables %q, error %v", tables, err)
	}
	var all bytes.Buffer
	for _, table := range tables {
		if _, err := conn.PgConn().CopyTo(t.Context(), &all, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
			t.Fatal(err)
		}
	}
	file = filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(file, all.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
