DROP TABLE facts;

-- An older version would take them for links that still hold.
DELETE FROM password_links WHERE used_at IS NOT NULL;

ALTER TABLE password_links DROP COLUMN used_at;

DROP INDEX refresh_tokens_by_use;

DROP INDEX sessions_by_begun_by;

ALTER TABLE sessions DROP COLUMN sealed_refresh_token;

ALTER TABLE sessions DROP COLUMN begun_by;

ALTER TABLE sessions DROP COLUMN family;

DROP TABLE account_changes;

CREATE TABLE session_changes (
    revision BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (revision, session_id)
);

UPDATE session_revision SET forgotten = revision;
