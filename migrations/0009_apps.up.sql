-- Keys that sign tokens for others. id: the thumbprint of the public key (RFC 7638), its kid. sealed: the
-- private key, sealed with a key of the server's. public: a JWK. Of each algorithm the last one that
-- signs_from has passed signs; those before it stay published until their last token is over.
CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    sealed TEXT NOT NULL,
    public TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL
);

-- Apps that people sign in to. id: the client_id. definition: JSON. by_file: whether APPS_FILE declares it.
CREATE TABLE apps (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    by_file BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- hash: SHA-256 of a secret, which has 256 random bits. expires_at: none for the newest; the one before it is good
-- for a while.
CREATE TABLE app_secrets (
    hash TEXT NOT NULL,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (app_id, hash)
);

-- What apps got by a session. id: the sid of its tokens. app_id and account_id outlive what they name, until
-- the app has been told of the end. family: that of the session. ended_at: when it ended.
CREATE TABLE app_grants (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    account_id BIGINT NOT NULL,
    family TEXT NOT NULL,
    scope TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE UNIQUE INDEX app_grants_by_session ON app_grants (family, app_id) WHERE ended_at IS NULL;

CREATE INDEX app_grants_by_account ON app_grants (account_id);

CREATE INDEX app_grants_by_app ON app_grants (app_id);

CREATE INDEX app_grants_by_end ON app_grants (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX sessions_by_family ON sessions (family);

-- Consents to apps of others. scope: to what, with spaces between.
CREATE TABLE app_consents (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, app_id)
);

CREATE INDEX app_consents_by_app ON app_consents (app_id);

-- Refresh tokens of apps, as those of sessions.
CREATE TABLE app_refresh_tokens (
    hash TEXT NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES app_grants (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    resource TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    sealed_successor TEXT
);

CREATE INDEX app_refresh_tokens_by_grant ON app_refresh_tokens (grant_id);

CREATE INDEX app_refresh_tokens_by_use ON app_refresh_tokens (used_at);

-- Authorization codes are sealed, and written down only when they are used.
CREATE TABLE used_codes (
    hash TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- Groups are names.
CREATE TABLE account_groups (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    PRIMARY KEY (account_id, name)
);

CREATE INDEX account_groups_by_name ON account_groups (name, account_id);
