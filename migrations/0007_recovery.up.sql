-- First steps of a sign-in that wait for a second one, such as a code sent by mail. hash: SHA-256 of the
-- token that the browser or the program holds. account_id: none if the name belongs to nobody, so that
-- the same is written for everybody. name: as typed, sealed. code: a keyed hash. used_at: when it was
-- used; the row is kept for a moment, in case the same form is sent twice.
CREATE TABLE challenges (
    hash TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    account_id BIGINT REFERENCES accounts (id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    name TEXT NOT NULL,
    code TEXT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE INDEX challenges_by_account ON challenges (account_id);

-- Addresses that an account has had until lately. The link with this hash brings one back.
-- used_at: when it did; the row is kept for a moment, in case the same form is sent twice.
CREATE TABLE former_emails (
    hash TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    language TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE INDEX former_emails_by_account ON former_emails (account_id);

-- tied_at: when the account's credentials and this address were shown to be the same person's. Until
-- then, somebody else may have chosen the password.
ALTER TABLE emails ADD COLUMN tied_at BIGINT;

-- Devices and networks from which an account was signed in to. tag: a keyed hash of both.
CREATE TABLE seen_devices (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, tag)
);

CREATE INDEX seen_devices_by_age ON seen_devices (seen_at);

-- What has failed is not looked at.
DROP INDEX outbox_by_due;

CREATE INDEX outbox_by_due ON outbox (due_at) WHERE failed_at IS NULL;
