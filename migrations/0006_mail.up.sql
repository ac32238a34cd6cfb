-- What is to leave the server: mails first of all. It is written in the transaction of its act. content:
-- JSON, sealed with a key of the server's. lease: of the node that is delivering it, until leased_until.
-- tries: how many have failed. failed_at: given up.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    account_id BIGINT,
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    lease TEXT,
    leased_until BIGINT NOT NULL DEFAULT 0,
    failed_at BIGINT,
    error TEXT
);

CREATE INDEX outbox_by_due ON outbox (due_at);

-- The email addresses of accounts: one that is verified, and one that is not yet. Only a verified one
-- belongs to its account. address_key: for comparing. language: that of its owner when it was given.
CREATE TABLE emails (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    language TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    verified_at BIGINT,
    PRIMARY KEY (account_id, address_key)
);

CREATE UNIQUE INDEX emails_verified ON emails (address_key) WHERE verified_at IS NOT NULL;

CREATE UNIQUE INDEX emails_of_account ON emails (account_id) WHERE verified_at IS NOT NULL;
