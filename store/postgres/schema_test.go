package postgres_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/wayleave/wayleave/store/postgres"
)

func TestMigrateFromEmptyAndAgain(t *testing.T) {
	address := shared.Server(t).Database(t)
	first := openStore(t, address, postgres.Options{})
	key := randomKey()
	mustCreate(t, first, sessions, key, lasting("kept"))
	conn := psql(t, address)
	before := query[string](t, conn, `SELECT string_agg(m::text, ';' ORDER BY number) FROM wayleave.migrations m`)
	if !strings.HasPrefix(before, "(1,") {
		t.Errorf("migrations are %s, want number 1 first", before)
	}

	second := openStore(t, address, postgres.Options{})
	wantValue(t, second, sessions, key, "kept")
	if after := query[string](t, conn, `SELECT string_agg(m::text, ';' ORDER BY number) FROM wayleave.migrations m`); after != before {
		t.Errorf("migrations are %s after the second time, want %s", after, before)
	}
	if n := query[int](t, conn, `SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind IN ('r', 'S', 'v') AND nspname NOT IN ('wayleave', 'pg_catalog', 'pg_toast', 'information_schema')`); n != 0 {
		t.Errorf("%d tables outside of the schema, want 0", n)
	}
}

func TestMigrateByManyAtOnce(t *testing.T) {
	const openers = 5
	address := shared.Server(t).Database(t)
	stores := make([]*postgres.Store, openers)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range openers {
		wg.Go(func() {
			<-start
			s, err := postgres.Open(t.Context(), address, postgres.Options{})
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			stores[i] = s
			t.Cleanup(func() { s.Close() })
		})
	}
	close(start)
	wg.Wait()
	if t.Failed() {
		return
	}
	key := randomKey()
	mustCreate(t, stores[0], sessions, key, lasting("seen"))
	for _, s := range stores {
		wantValue(t, s, sessions, key, "seen")
	}
}

func TestNewerDatabase(t *testing.T) {
	address := shared.Server(t).Database(t)
	running := openStore(t, address, postgres.Options{})
	key := randomKey()
	mustCreate(t, running, sessions, key, lasting("kept"))
	conn := psql(t, address)
	execute(t, conn, `INSERT INTO wayleave.migrations (number) VALUES (99)`)

	t.Run("is refused", func(t *testing.T) {
		_, err := postgres.Open(t.Context(), address, postgres.Options{})
		wantError(t, err, postgres.ErrNewer)
		for _, want := range []string{"version 99", "knows 1"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
	})
	t.Run("does not disturb those who work with it already", func(t *testing.T) {
		wantValue(t, running, sessions, key, "kept")
		mustCreate(t, running, sessions, randomKey(), lasting("new"))
	})
	t.Run("is opened when it is not newer any more", func(t *testing.T) {
		execute(t, conn, `DELETE FROM wayleave.migrations WHERE number = 99`)
		wantValue(t, openStore(t, address, postgres.Options{}), sessions, key, "kept")
	})
}

func TestRightsToMigrate(t *testing.T) {
	server := shared.Server(t)
	owner := server.Database(t)
	role := "plain_" + strings.ToLower(fmt.Sprintf("%x", randomKey())[:12])
	server.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD 'plain'`)
	t.Cleanup(func() { server.Exec(t, `DROP ROLE `+role) })
	plain := withUser(t, owner, role, "plain")

	t.Run("without the right to make the schema the error says so", func(t *testing.T) {
		_, err := postgres.Open(t.Context(), plain, postgres.Options{})
		if err == nil || !strings.Contains(err.Error(), "schema wayleave is not there and may not be made by this user") {
			t.Fatalf("error is %v", err)
		}
	})
	t.Run("once the owner has migrated, reading and writing is enough", func(t *testing.T) {
		openStore(t, owner, postgres.Options{})
		conn := psql(t, owner)
		execute(t, conn, `GRANT USAGE ON SCHEMA wayleave TO `+role)
		execute(t, conn, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA wayleave TO `+role)
		execute(t, conn, `GRANT USAGE ON ALL SEQUENCES IN SCHEMA wayleave TO `+role)
		defer execute(t, conn, `DROP SCHEMA wayleave CASCADE`) // and with it what the role has in it
		s := openStore(t, plain, postgres.Options{})
		key := randomKey()
		mustCreate(t, s, sessions, key, lasting("written", key))
		wantValue(t, s, sessions, key, "written")
		s.Close()
	})
}

func TestMigrationIsAllOrNothing(t *testing.T) {
	address := shared.Server(t).Database(t)
	conn := psql(t, address)
	execute(t, conn, `CREATE SCHEMA wayleave`)
	execute(t, conn, `CREATE TABLE wayleave.lookups (another int)`) // the last thing that the first migration makes
	_, err := postgres.Open(t.Context(), address, postgres.Options{})
	if err == nil || !strings.Contains(err.Error(), "0001_records.sql") || !strings.Contains(err.Error(), `"lookups" already exists`) {
		t.Fatalf("error is %v, want one that names the migration and the table", err)
	}
	if n := query[int](t, conn, `SELECT count(*)::int FROM pg_tables WHERE schemaname = 'wayleave'`); n != 1 {
		t.Errorf("%d tables after a failed migration, want the one that was there", n)
	}
	execute(t, conn, `DROP TABLE wayleave.lookups`)
	openStore(t, address, postgres.Options{})
}

func TestSchemas(t *testing.T) {
	address := shared.Server(t).Database(t)
	for _, name := range []string{"a", "user", "auth_2", strings.Repeat("x", 63)} {
		t.Run("is "+name, func(t *testing.T) {
			s := openStore(t, address, postgres.Options{Schema: name})
			mustCreate(t, s, sessions, randomKey(), lasting("v"))
			conn := psql(t, address)
			if n := query[int](t, conn, `SELECT count(*)::int FROM `+pgx.Identifier{name, "records"}.Sanitize()); n != 1 {
				t.Errorf("%d records in schema %s, want 1", n, name)
			}
		})
	}
	for _, name := range []string{
		"Upper", "1st", "_under", "pg_toast", "with space", `quo"te`, "quo'te", "semi;colon", "dot.ted", "com,ma", "ümlaut", "$user",
		"new\nline", strings.Repeat("x", 64),
	} {
		t.Run("is not "+name, func(t *testing.T) {
			if _, err := postgres.Open(t.Context(), address, postgres.Options{Schema: name}); err == nil || !strings.Contains(err.Error(), "schema is ") {
				t.Errorf("error is %v", err)
			}
		})
	}
	t.Run("two in one database do not mix", func(t *testing.T) {
		here := openStore(t, address, postgres.Options{Schema: "here"})
		there := openStore(t, address, postgres.Options{Schema: "there"})
		key := randomKey()
		mustCreate(t, here, sessions, key, lasting("here"))
		mustCreate(t, there, sessions, key, lasting("there"))
		wantValue(t, here, sessions, key, "here")
		wantValue(t, there, sessions, key, "there")
	})
}

func withUser(t testing.TB, address, user, password string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}
