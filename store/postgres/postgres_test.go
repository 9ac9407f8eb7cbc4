package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	servers "github.com/wayleave/wayleave/internal/testservers/postgres"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
	"github.com/wayleave/wayleave/store/storetest"
)

var shared servers.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

const sessions store.Table = "sessions"

func TestStore(t *testing.T) {
	t.Parallel()
	url := shared.Server(t).Database(t)
	open := func(t *testing.T) store.Store { return openStore(t, url, postgres.Options{Timeout: 30 * time.Second}) }
	h := storetest.Harness{
		Open:  open,
		Again: func(t *testing.T, _ store.Store) store.Store { return open(t) },
	}
	storetest.Run(t, h)
	storetest.RunConcurrency(t, h)
}

func TestManyProcessesMayShareIt(t *testing.T) {
	if openStore(t, shared.Server(t).Database(t), postgres.Options{}).SingleProcess() {
		t.Error("SingleProcess is true")
	}
}

// openStore opens a store that is closed when the test ends.
func openStore(t testing.TB, url string, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func randomKey() (k store.Key) {
	rand.Read(k[:])
	return k
}

func lasting(value string, lookups ...store.Key) store.Record {
	return store.Record{Value: []byte(value), Expires: time.Now().Add(time.Hour), Lookups: lookups}
}

func mustCreate(t testing.TB, s store.Store, table store.Table, key store.Key, rec store.Record) store.Version {
	t.Helper()
	v, err := s.Create(t.Context(), table, key, rec)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// wantValue checks that the record is there and says this.
func wantValue(t testing.TB, s store.Store, table store.Table, key store.Key, want string) {
	t.Helper()
	rec, _, found, err := s.Get(t.Context(), table, key)
	if err != nil || !found || string(rec.Value) != want {
		t.Fatalf("Get: value %q, found %t, error %v; want %q", rec.Value, found, err, want)
	}
}

func wantError(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error is %v, want %v", got, want)
	}
}

// psql is a connection to the same database beside the store.
func psql(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// query returns the one value that a statement gives.
func query[T any](t testing.TB, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func execute(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// await returns when the condition holds.
func await(t testing.TB, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within 30 s")
		}
	}
}
