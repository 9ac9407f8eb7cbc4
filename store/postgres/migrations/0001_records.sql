-- The records, and an index of their look-up keys.

-- No cache, so that the later of two writes has the larger version.
CREATE SEQUENCE versions;

CREATE TABLE records (
	tbl     text COLLATE "C" NOT NULL, -- bytes are compared, whatever the locale does next
	key     bytea            NOT NULL,
	version bigint           NOT NULL,
	value   bytea            NOT NULL,
	expires timestamptz      NOT NULL,
	lookups bytea[]          NOT NULL,
	PRIMARY KEY (tbl, key)
);

-- Sealed values do not compress.
ALTER TABLE records ALTER COLUMN value SET STORAGE EXTERNAL;

-- On an expression, so that only the search for expired records can use it. On
-- the bare column the planner prefers it to the primary key whenever it thinks
-- that few records match, and then reads all of them when many do.
CREATE INDEX records_expiry ON records ((expires AT TIME ZONE 'UTC'));

-- One row for each look-up key of each record. The record's own list says what
-- is true; this only finds candidates. The secondary key comes first so that
-- no index scan can leave it out.
CREATE TABLE lookups (
	secondary bytea            NOT NULL,
	tbl       text COLLATE "C" NOT NULL,
	key       bytea            NOT NULL,
	PRIMARY KEY (secondary, tbl, key)
);
