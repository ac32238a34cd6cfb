-- Credentials apart from accounts. hash: a PHC string. An account without a password has no row.
CREATE TABLE passwords (
    account_id BIGINT NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    hash TEXT NOT NULL
);

INSERT INTO passwords (account_id, hash)
SELECT id, password_hash FROM accounts WHERE password_hash <> 'none';

ALTER TABLE accounts DROP COLUMN password_hash;

-- epoch: rises with every change of a credential. Whatever holds only as long as the credentials are
-- the same has the epoch at which it was made.
ALTER TABLE accounts ADD COLUMN epoch BIGINT NOT NULL DEFAULT 1;

-- proved_by: how it was last proved who it is.
ALTER TABLE sessions ADD COLUMN proved_by TEXT NOT NULL DEFAULT 'password';

-- Links that do one thing once. purpose: which. hash: SHA-256 of what the link holds. epoch: of the
-- account when it was made. sent_to: the address it was sent to, if it was. used_at: when it was used;
-- it is kept for a moment, for the same request sent twice.
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

-- A node of an older version finds this table gone, and refuses to serve.
ALTER TABLE account_changes RENAME TO changed_accounts;
