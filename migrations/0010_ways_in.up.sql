-- Apps that nobody registered: id is the address of their metadata. fetched_at: when it was read; none for the
-- operator's apps.
ALTER TABLE apps ADD COLUMN fetched_at BIGINT;

-- Authorization requests that apps have pushed. hash: of the random part of the request_uri. query: the request.
-- opened_at: when a browser came with it.
CREATE TABLE pushed_requests (
    hash TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    query TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    opened_at BIGINT
);

CREATE INDEX pushed_requests_by_end ON pushed_requests (expires_at);

CREATE INDEX pushed_requests_by_app ON pushed_requests (app_id);

-- Devices that wait for a person to agree. hash: of the device code. user_code: a keyed hash of the code that the
-- person types. device, network: what asks, and from where. state: waiting, approved, refused or used.
-- account_id, family: the session that typed the code. approval: the challenge that the device answers when it
-- comes, so that whatever voids challenges voids the approval. proved_by, auth_time: of that session, at the
-- approval. polled_at: in milliseconds. pause: seconds between two polls.
CREATE TABLE device_requests (
    hash TEXT NOT NULL PRIMARY KEY,
    user_code TEXT NOT NULL,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    resource TEXT NOT NULL,
    device TEXT NOT NULL,
    network TEXT NOT NULL,
    state TEXT NOT NULL,
    account_id BIGINT REFERENCES accounts (id) ON DELETE CASCADE,
    family TEXT,
    approval TEXT,
    proved_by TEXT,
    auth_time BIGINT,
    polled_at BIGINT NOT NULL,
    pause BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX device_requests_by_code ON device_requests (user_code);

CREATE INDEX device_requests_by_end ON device_requests (expires_at);

CREATE INDEX device_requests_by_app ON device_requests (app_id);

CREATE INDEX device_requests_by_account ON device_requests (account_id);

-- Identities at other providers that open an account. issuer and subject name one for good; provider is the id in
-- PROVIDERS_FILE, and label what people call it there.
CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    provider TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE UNIQUE INDEX identities_by_subject ON identities (issuer, subject);

CREATE INDEX identities_by_account ON identities (account_id);

-- Sign-ins that have gone to another provider. hash: of the state. browser: a keyed hash of the visitor's cookie.
-- sealed: nonce, PKCE verifier, and what it is for. used_at: when it came back. identity: sealed, what came of it, until a username is chosen.
CREATE TABLE provider_visits (
    hash TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    browser TEXT NOT NULL,
    sealed TEXT NOT NULL,
    identity TEXT,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE INDEX provider_visits_by_end ON provider_visits (expires_at);
