-- disabled_at: since when nobody can sign in. delete_at: when the account will be gone, unless its
-- owner signs in before.
ALTER TABLE accounts ADD COLUMN disabled_at BIGINT;

ALTER TABLE accounts ADD COLUMN delete_at BIGINT;

CREATE INDEX accounts_by_delete_at ON accounts (delete_at);

-- carrier: browser or program. device: browser and system in words. network: /24 or /48.
-- proved_at: when the password was last shown. remembered, refreshable: 0 or 1.
ALTER TABLE sessions ADD COLUMN carrier TEXT NOT NULL DEFAULT 'browser';

ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';

ALTER TABLE sessions ADD COLUMN network TEXT NOT NULL DEFAULT '';

ALTER TABLE sessions ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;

ALTER TABLE sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;

ALTER TABLE sessions ADD COLUMN remembered BIGINT NOT NULL DEFAULT 0;

ALTER TABLE sessions ADD COLUMN refreshable BIGINT NOT NULL DEFAULT 0;

UPDATE sessions SET seen_at = created_at, proved_at = created_at;

-- hash: SHA-256 of the token. used_at: when its successor was made. sealed_successor: that
-- successor, which only the token itself can open; there for as long as a repeated use gets it.
CREATE TABLE refresh_tokens (
    hash TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    sealed_successor TEXT
);

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- A link by which somebody sets a password, made by the operator. hash: SHA-256 of what it holds.
CREATE TABLE password_links (
    hash TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);

CREATE INDEX password_links_by_account ON password_links (account_id);

-- key: a keyed hash of who is counted. tat: the theoretical arrival time of GCRA, in milliseconds
-- since 1970.
CREATE TABLE throttle (
    key TEXT NOT NULL PRIMARY KEY,
    tat BIGINT NOT NULL
);

CREATE INDEX throttle_by_tat ON throttle (tat);

-- The audit trail: the module `audit` says how its rows are chained. salt, account_id and detail
-- are erased when the account is, and the chain holds all the same.
CREATE TABLE audit_events (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    digest TEXT NOT NULL,
    hash TEXT NOT NULL,
    salt TEXT,
    account_id BIGINT,
    detail TEXT
);

CREATE INDEX audit_events_by_account ON audit_events (account_id, seq);
