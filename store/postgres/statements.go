package postgres

// Each call is one statement or one batch, which is one transaction and one
// round trip. now() is the time of the database at which the transaction
// began: one instant for the whole statement.
//
// Look-up keys follow their record: whoever writes the record's row, and nobody
// else, adds or removes its rows in lookups. A statement sees both tables as
// they were when it began, and yet would write to a record as somebody else
// has left it meanwhile. So it first looks what is there (old), and writes
// only to that very version. If that is gone it writes nothing, says so with a
// NULL, and is sent again.
//
// Rows in lookups are named by all columns of the primary key and never joined,
// so that no plan can read more of the table than it must, however full that
// has become since the plan was made.

const getRecord = `
SELECT version, value, expires, lookups
FROM records
WHERE tbl = $1 AND key = $2 AND expires > now()`

// createRecord returns the new version, if it was written; whether the new
// expiry is in the future; and whether a live record was there. It takes the
// place of an expired one.
const createRecord = `
WITH old AS (
	SELECT version, expires, lookups FROM records
	WHERE tbl = $1 AND key = $2
), new AS (
	INSERT INTO records AS r (tbl, key, version, value, expires, lookups)
	SELECT $1, $2, nextval('versions'), $3, $4, $5
	WHERE $4 > now()
	ON CONFLICT (tbl, key) DO UPDATE
	SET version = excluded.version, value = excluded.value, expires = excluded.expires, lookups = excluded.lookups
	WHERE r.expires <= now() AND r.version = (SELECT version FROM old)
	RETURNING version
), unlinked AS (
	DELETE FROM lookups
	WHERE tbl = $1 AND key = $2
		AND secondary = ANY ((SELECT old.lookups FROM old, new)::bytea[])
		AND secondary <> ALL ($5)
), linked AS (
	INSERT INTO lookups (secondary, tbl, key)
	SELECT secondary, $1, $2 FROM new, unnest($5::bytea[]) AS secondary
	ON CONFLICT DO NOTHING
)
SELECT (SELECT version FROM new), $4 > now(), EXISTS (SELECT FROM old WHERE expires > now())`

// replaceRecord returns what createRecord does, the last being true: without
// version $3 it is a conflict in any case.
const replaceRecord = `
WITH old AS (
	SELECT version, lookups FROM records
	WHERE tbl = $1 AND key = $2 AND version = $3
), new AS (
	UPDATE records
	SET version = nextval('versions'), value = $4, expires = $5, lookups = $6
	WHERE tbl = $1 AND key = $2 AND version = (SELECT version FROM old) AND expires > now() AND $5 > now()
	RETURNING version
), unlinked AS (
	DELETE FROM lookups
	WHERE tbl = $1 AND key = $2
		AND secondary = ANY ((SELECT old.lookups FROM old, new)::bytea[])
		AND secondary <> ALL ($6)
), linked AS (
	INSERT INTO lookups (secondary, tbl, key)
	SELECT secondary, $1, $2 FROM new, old, unnest($6::bytea[]) AS secondary
	WHERE secondary <> ALL (old.lookups)
	ON CONFLICT DO NOTHING
)
SELECT (SELECT version FROM new), $5 > now(), true`

// lockRecord goes before takeRecord in the same transaction, which then comes
// to an end however often others replace the record.
const lockRecord = `
SELECT FROM records
WHERE tbl = $1 AND key = $2
FOR UPDATE`

const takeRecord = `
WITH old AS (
	SELECT version FROM records
	WHERE tbl = $1 AND key = $2
), taken AS (
	DELETE FROM records
	WHERE tbl = $1 AND key = $2 AND version = (SELECT version FROM old)
	RETURNING version, value, expires, lookups
), unlinked AS (
	DELETE FROM lookups
	WHERE tbl = $1 AND key = $2
		AND secondary = ANY ((SELECT lookups FROM taken)::bytea[])
)
SELECT taken.version, value, expires, lookups
FROM old LEFT JOIN taken ON true
WHERE taken.version IS NULL OR expires > now()`

// notify tells those who follow, in a transaction of its own after the one that
// it tells of. Those that notify go one after the other in the whole server,
// until they are committed, so none must wait for a disk meanwhile. A
// notification does not outlive the server in any case.
const notify = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`

// lookUpKeys asks each record whether it is alive and carries the key. It is
// not a join, which could begin with all records.
const lookUpKeys = `
SELECT key
FROM lookups AS l
WHERE secondary = $2 AND tbl = $1 AND (
	SELECT r.expires > now() AND $2 = ANY (r.lookups)
	FROM records AS r
	WHERE r.tbl = $1 AND r.key = l.key
)
LIMIT $3`

// scanKeys looks at $3 records and no more, live or not, so that a page costs
// the same wherever it is.
const scanKeys = `
SELECT key, expires > now()
FROM records
WHERE tbl = $1 AND key > $2
ORDER BY key
LIMIT $3`

// removeExpired removes at most $1 records and returns how many. Those that
// somebody else is writing to, it leaves to them; what somebody has written
// since it began, it finds under another ctid, and leaves as well.
const removeExpired = `
WITH old AS (
	DELETE FROM records
	WHERE ctid = ANY (ARRAY (
		SELECT ctid FROM records
		WHERE expires AT TIME ZONE 'UTC' <= now() AT TIME ZONE 'UTC'
		ORDER BY expires AT TIME ZONE 'UTC'
		LIMIT $1
		FOR UPDATE SKIP LOCKED
	))
	RETURNING tbl, key, lookups
), unlinked AS (
	DELETE FROM lookups AS l
	USING old, unnest(old.lookups) AS carried
	WHERE l.secondary = carried AND l.tbl = old.tbl AND l.key = old.key
)
SELECT count(*) FROM old`
