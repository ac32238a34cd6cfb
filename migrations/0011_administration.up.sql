-- Groups, also those without members. created_at: 0 if it was not recorded.
CREATE TABLE group_names (
    name TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

INSERT INTO group_names (name, description, created_at) SELECT DISTINCT name, '', 0 FROM account_groups;

-- What accounts are found by. kind: name or address. term: in lower case, its UTF-8 in hexadecimal, which every
-- collation sorts by bytes.
CREATE TABLE search_terms (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    term TEXT NOT NULL,
    PRIMARY KEY (account_id, kind, term)
);

CREATE INDEX search_terms_by_term ON search_terms (term, account_id);

CREATE INDEX accounts_by_creation ON accounts (created_at, id);

CREATE INDEX accounts_disabled ON accounts (id) WHERE disabled_at IS NOT NULL;

CREATE INDEX accounts_leaving ON accounts (id) WHERE delete_at IS NOT NULL;

-- Who acted, if somebody did for the operator: an account's id, or key: and the id of an API key. Both columns repeat
-- what detail says, to be found by.
ALTER TABLE audit_events ADD COLUMN actor TEXT;

ALTER TABLE audit_events ADD COLUMN request_id TEXT;

CREATE INDEX audit_events_by_actor ON audit_events (actor, seq) WHERE actor IS NOT NULL;

CREATE INDEX audit_events_by_request ON audit_events (request_id, seq) WHERE request_id IS NOT NULL;

CREATE INDEX audit_events_by_event ON audit_events (event, seq);

-- Up to which row others have read the trail.
CREATE TABLE audit_readers (
    name TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);

-- How often something happened. hour: its first second.
CREATE TABLE figures (
    name TEXT NOT NULL,
    hour BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (name, hour)
);

-- API keys of programs. hash: SHA-256 of the key. scopes: with spaces between. made_by: as actor above.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);

CREATE UNIQUE INDEX api_keys_by_hash ON api_keys (hash);

-- Requests that are answered once, however often they come. hash: of the caller and the Idempotency-Key. request: the
-- hash of what was asked. answer: sealed; none while the request runs.
CREATE TABLE repeatable_requests (
    hash TEXT NOT NULL PRIMARY KEY,
    request TEXT NOT NULL,
    status BIGINT,
    answer TEXT,
    made_at BIGINT NOT NULL
);

CREATE INDEX repeatable_requests_by_time ON repeatable_requests (made_at);

-- Invitations. hash: of the token in the link. email, language: where it was sent. groups: with spaces between.
-- uses_left: how often it can still be used. used_at: the last time.
CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    email TEXT,
    groups_to_join TEXT NOT NULL,
    note TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    uses_left BIGINT NOT NULL,
    uses BIGINT NOT NULL DEFAULT 0,
    used_at BIGINT
);

CREATE UNIQUE INDEX invitations_by_hash ON invitations (hash);

CREATE INDEX invitations_by_creation ON invitations (created_at, id);

CREATE INDEX invitations_by_end ON invitations (expires_at);

-- Endpoints that are told of events. events: with spaces between. sealed: the secret, sealed. closed_at: when the
-- endpoint said that it is gone.
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    sealed TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT
);

-- Messages to endpoints, for a month. id: the webhook-id. place: their order for one endpoint. queued_at: when it was
-- put into the outbox. answer: what the endpoint said last.
CREATE TABLE webhook_messages (
    id TEXT NOT NULL PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    place BIGINT NOT NULL,
    event TEXT NOT NULL,
    account_id BIGINT,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    queued_at BIGINT,
    delivered_at BIGINT,
    tries BIGINT NOT NULL DEFAULT 0,
    answer TEXT
);

CREATE INDEX webhook_messages_by_place ON webhook_messages (webhook_id, place);

CREATE INDEX webhook_messages_by_time ON webhook_messages (created_at);

CREATE INDEX webhook_messages_undelivered ON webhook_messages (created_at) WHERE delivered_at IS NULL;

CREATE INDEX webhook_messages_by_account ON webhook_messages (account_id);

CREATE INDEX webhook_messages_to_queue ON webhook_messages (place) WHERE queued_at IS NULL;

-- Deliveries of one stream go out one at a time, by place.
ALTER TABLE outbox ADD COLUMN stream TEXT;

ALTER TABLE outbox ADD COLUMN place BIGINT;

CREATE INDEX outbox_by_stream ON outbox (stream, place) WHERE stream IS NOT NULL AND failed_at IS NULL;

CREATE INDEX outbox_by_creation ON outbox (created_at, id);

CREATE INDEX outbox_by_kind ON outbox (kind, due_at) WHERE failed_at IS NULL AND stream IS NULL;

CREATE INDEX outbox_failed ON outbox (failed_at) WHERE failed_at IS NOT NULL;

CREATE INDEX outbox_deferred ON outbox (tries) WHERE failed_at IS NULL AND tries > 0;
