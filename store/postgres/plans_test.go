package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/wayleave/wayleave/store/postgres"
)

// A plan is made when a connection first uses a statement, and kept. So each
// must be good for any state of the tables, whatever the state it was made in.
func TestPlansGoByTheWholeKey(t *testing.T) {
	t.Parallel()
	address := shared.Server(t).Database(t)
	openStore(t, address, postgres.Options{})
	config, err := postgres.Configure(address, new(postgres.Options))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config.ConnConfig) // with the settings of the store's own connections
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	execute(t, conn, `SET plan_cache_mode = force_generic_plan`)

	check := func(state string) {
		for name, s := range postgres.Statements {
			t.Run(state+"/"+name, func(t *testing.T) {
				plan := explain(t, conn, s[0], s[1])
				for line := range strings.SplitSeq(plan, "\n") {
					wanted := []string{"tbl", "key"}
					switch {
					case strings.Contains(line, "Seq Scan"), strings.Contains(line, "records_expiry"):
						t.Errorf("reads more than it must:\n%s", plan)
					case !strings.Contains(line, "Index Cond"):
						continue
					case strings.Contains(line, "secondary") && name == "look up":
						wanted = []string{"tbl", "secondary"}
					case strings.Contains(line, "secondary"):
						wanted = []string{"tbl", "key", "secondary"}
					}
					for _, column := range wanted {
						if !strings.Contains(line, column) && !strings.Contains(line, "ctid") {
							t.Errorf("does not go by %s:\n%s", column, plan)
						}
					}
				}
				if !slices.Contains([]string{"get", "lock", "scan"}, name) && strings.Count(plan, "lookups_pkey") == 0 {
					t.Errorf("does not use lookups_pkey:\n%s", plan)
				}
			})
		}
	}
	check("new")
	execute(t, conn, `VACUUM ANALYZE`)
	check("empty")
	fill := func(from, to int, life string) {
		execute(t, conn, `INSERT INTO records SELECT 'sessions', sha256(i::text::bytea), i, 'v', now() + $3::text::interval, ARRAY[sha256(('s' || i)::bytea)]
			FROM generate_series($1::int, $2::int) AS i`, from, to, life)
		execute(t, conn, `INSERT INTO lookups SELECT sha256(('s' || i)::bytea), 'sessions', sha256(i::text::bytea)
			FROM generate_series($1::int, $2::int) AS i`, from, to)
		execute(t, conn, `VACUUM ANALYZE`)
	}
	fill(1, 1, "1 hour")
	check("one record")
	fill(2, 5_000, "-1 hour")
	check("nearly all expired")
	fill(5_001, 20_000, "1 hour")
	check("full")
	execute(t, conn, `DELETE FROM records WHERE expires <= now()`)
	execute(t, conn, `VACUUM ANALYZE`)
	check("none expired")
}

func explain(t testing.TB, conn *pgx.Conn, types, sql string) string {
	t.Helper()
	execute(t, conn, `PREPARE explained (`+types+`) AS `+sql)
	defer execute(t, conn, `DEALLOCATE explained`)
	values := strings.TrimSuffix(strings.Repeat("NULL, ", strings.Count(types, ",")+1), ", ")
	rows, err := conn.Query(t.Context(), `EXPLAIN EXECUTE explained (`+values+`)`, pgx.QueryExecModeExec)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
