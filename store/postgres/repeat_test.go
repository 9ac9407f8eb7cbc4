package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wayleave/wayleave/store/postgres"
)

// The server undoes a write for reasons that pass, or for others.
func TestWritesThatTheServerUndoes(t *testing.T) {
	address := shared.Server(t).Database(t)
	s := openStore(t, address, postgres.Options{})
	conn := psql(t, address)
	execute(t, conn, `SET search_path = wayleave`)
	// A trigger stands in for the trouble. A sequence counts how often: it is
	// the one thing that is not undone.
	execute(t, conn, `CREATE SEQUENCE met`)
	execute(t, conn, `CREATE TABLE trouble (code text, times int)`)
	execute(t, conn, `CREATE FUNCTION make_trouble() RETURNS trigger LANGUAGE plpgsql AS $$
		DECLARE t wayleave.trouble;
		BEGIN
			SELECT * FROM wayleave.trouble INTO t;
			IF nextval('wayleave.met') <= t.times THEN
				RAISE EXCEPTION 'trouble' USING ERRCODE = t.code;
			END IF;
			RETURN NEW;
		END $$`)
	execute(t, conn, `CREATE TRIGGER trouble BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION make_trouble()`)

	for name, test := range map[string]struct {
		code      string
		times     int
		wantTries int64
		wantCode  string // of the error, if the write is to fail
	}{
		"serialization failure twice":    {"40001", 2, 3, ""},
		"deadlock twice":                 {"40P01", 2, 3, ""},
		"read-only server once":          {"25006", 1, 2, ""},
		"serialization failure for ever": {"40001", 100, 4, "40001"},
		"disk full is not repeated":      {"53100", 1, 1, "53100"},
		"time is up is not repeated":     {"57014", 1, 1, "57014"},
		"anything else is not repeated":  {"XX000", 1, 1, "XX000"},
		"no trouble":                     {"40001", 0, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			execute(t, conn, `TRUNCATE trouble`)
			execute(t, conn, `INSERT INTO trouble VALUES ($1, $2)`, test.code, test.times)
			execute(t, conn, `ALTER SEQUENCE met RESTART`)
			key := randomKey()
			_, err := s.Create(t.Context(), sessions, key, lasting("canary-value", key))
			if n := query[int64](t, conn, `SELECT last_value FROM met`); n != test.wantTries {
				t.Errorf("tried %d times, want %d", n, test.wantTries)
			}
			if test.wantCode == "" {
				if err != nil {
					t.Fatal(err)
				}
				wantValue(t, s, sessions, key, "canary-value")
				return
			}
			said, ok := errors.AsType[*pgconn.PgError](err)
			if !ok || said.Code != test.wantCode || postgres.AnswerLost(err) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error is %v, want SQLSTATE %s and neither a lost answer nor a value", err, test.wantCode)
			}
			if _, _, found, err := s.Get(t.Context(), sessions, key); err != nil || found {
				t.Errorf("found %t after a failed Create, error %v", found, err)
			}
		})
	}
}
