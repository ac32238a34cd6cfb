-- Credentials, separate from accounts. hash: a PHC string. An account without a password has no row.
CREATE TABLE passwords (
    account_id BIGINT NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    hash TEXT NOT NULL
);

INSERT INTO passwords (account_id, hash)
SELECT id, password_hash FROM accounts WHERE password_hash <> 'none';

ALTER TABLE accounts DROP COLUMN password_hash;

-- epoch: rises with every change of a credential. Anything that is valid only until then stores the
-- epoch at which it was made.
ALTER TABLE accounts ADD COLUMN epoch BIGINT NOT NULL DEFAULT 1;

-- proved_by: the last proof of identity.
ALTER TABLE sessions ADD COLUMN proved_by TEXT NOT NULL DEFAULT 'password';

-- One-time links. purpose: what the link does. hash: SHA-256 of the link's random part. epoch: the
-- account's, when the link was made. sent_to: the address it was sent to, if any. used_at: when it was
-- used; the row is kept for a moment, in case the same request is sent twice.
CREATE TABLE links (
    hash TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    sent_to TEXT,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

INSERT INTO links (hash, purpose, account_id, epoch, expires_at, used_at)
SELECT hash, 'set-password', account_id, 1, expires_at, used_at FROM password_links;

DROP TABLE password_links;

CREATE INDEX links_by_account ON links (account_id);

-- A node of an older version no longer finds this table, and refuses to serve.
ALTER TABLE account_changes RENAME TO changed_accounts;
