-- username: as typed. username_key: its RFC 8265 mapped form. The skeletons (UTS 39) are of the
-- mapped form and of the typed one: names are shown as typed, so they must not look alike either.
-- password_hash: a PHC string. Times are seconds since 1970, UTC.
CREATE TABLE accounts (
    id BIGINT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    username_skeleton TEXT NOT NULL UNIQUE,
    username_typed_skeleton TEXT NOT NULL UNIQUE,
    full_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- ends_at: the session ends then in any case. alive_until: it ends then if it stays unused.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    alive_until BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_account ON sessions (account_id);

CREATE INDEX sessions_by_alive_until ON sessions (alive_until);
