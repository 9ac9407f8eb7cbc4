package postgres

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// hangUpGrace is how long a statement may still take when its caller has gone.
// Without it every visitor who hangs up would cost a connection, since one that
// is left in the middle of an answer cannot be used again.
const hangUpGrace = 500 * time.Millisecond

// schemaName is what needs no quotes anywhere.
var schemaName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// configure fills in the options that are not set, and makes of them and the
// URL what the pool wants.
func configure(rawURL string, o *Options) (*pgxpool.Config, error) {
	o.Schema = cmp.Or(o.Schema, "wayleave")
	if !schemaName.MatchString(o.Schema) || strings.HasPrefix(o.Schema, "pg_") {
		return nil, fmt.Errorf("schema is %q, want a lower-case letter, then such letters, digits and underscores, 63 at most, not beginning with pg_", o.Schema)
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	c, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	switch {
	case o.MaxConns > 0:
		c.MaxConns = int32(min(o.MaxConns, 1<<16))
	case !parameters(rawURL).Has("pool_max_conns"):
		c.MaxConns = 16
	}
	c.MaxConnLifetimeJitter = cmp.Or(c.MaxConnLifetimeJitter, c.MaxConnLifetime/5)
	c.PingTimeout = cmp.Or(c.PingTimeout, time.Second) // so that one call gets past a few dead connections
	c.ConnConfig.ConnectTimeout = cmp.Or(c.ConnConfig.ConnectTimeout, o.Timeout)
	if c.ConnConfig.ValidateConnect == nil {
		c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	c.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn(), DeadlineDelay: hangUpGrace}
	}
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // others depend on the session's date style
	settings := c.ConnConfig.RuntimeParams
	settings["application_name"] = cmp.Or(settings["application_name"], "wayleave")
	settings["search_path"] = o.Schema
	settings["statement_timeout"] = strconv.FormatInt(max(1, o.Timeout.Milliseconds()), 10)
	settings["idle_in_transaction_session_timeout"] = strconv.FormatInt(migrationTimeout.Milliseconds(), 10)
	// In any other isolation, callers who meet are undone and have to be
	// repeated, instead of waiting for each other.
	settings["default_transaction_isolation"] = "read committed"
	// A plan is kept as long as its connection. One that was made while a
	// table was nearly empty must not read all of it when it is full.
	settings["enable_seqscan"] = "off"
	return c, nil
}
