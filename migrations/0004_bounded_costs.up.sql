-- What other nodes must learn of: the sessions of an account have changed, or the account itself.
-- One row for each change, however many sessions there are: the module `live_sessions` says how it
-- is read. A node of an older version finds its table gone, and refuses to serve.
DROP TABLE session_changes;

CREATE TABLE account_changes (
    revision BIGINT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

UPDATE session_revision SET revision = revision + 1;

UPDATE session_revision SET forgotten = revision;

-- family: the id of the first session of a line in which each took the place of the one before.
-- Forms are bound to it. begun_by: a keyed hash of the request that began the session, so that the
-- same request, sent twice, ends where the first did. sealed_refresh_token: what such a request gets.
ALTER TABLE sessions ADD COLUMN family TEXT NOT NULL DEFAULT '';

UPDATE sessions SET family = id;

ALTER TABLE sessions ADD COLUMN begun_by TEXT;

ALTER TABLE sessions ADD COLUMN sealed_refresh_token TEXT;

CREATE INDEX sessions_by_begun_by ON sessions (begun_by);

CREATE INDEX refresh_tokens_by_use ON refresh_tokens (session_id, used_at);

-- used_at: when the link set a password. It is kept for a moment, for the same request sent twice.
ALTER TABLE password_links ADD COLUMN used_at BIGINT;

-- What nodes know together, by name: the module `store/facts.rs` says what.
CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
