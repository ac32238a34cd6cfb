-- After this and the way up again, epochs begin anew: whatever an earlier epoch had voided, and has not
-- expired since, is valid again. Links that are void already are not taken along.
ALTER TABLE changed_accounts RENAME TO account_changes;

CREATE TABLE password_links (
    hash TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

INSERT INTO password_links (hash, account_id, expires_at, used_at)
SELECT l.hash, l.account_id, l.expires_at, l.used_at FROM links l
JOIN accounts a ON a.id = l.account_id AND a.epoch = l.epoch WHERE l.purpose = 'set-password';

CREATE INDEX password_links_by_account ON password_links (account_id);

DROP TABLE links;

ALTER TABLE sessions DROP COLUMN proved_by;

ALTER TABLE accounts DROP COLUMN epoch;

ALTER TABLE accounts ADD COLUMN password_hash TEXT NOT NULL DEFAULT 'none';

UPDATE accounts SET password_hash = (SELECT p.hash FROM passwords p WHERE p.account_id = accounts.id)
WHERE id IN (SELECT account_id FROM passwords);

DROP TABLE passwords;
