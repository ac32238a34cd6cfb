-- The one row counts the changes to sessions and accounts that other nodes must learn of: the
-- module `live_sessions` says how. forgotten: changes up to this number are no longer listed.
CREATE TABLE session_revision (
    revision BIGINT NOT NULL,
    forgotten BIGINT NOT NULL
);

INSERT INTO session_revision (revision, forgotten) VALUES (0, 0);

-- What was read of these sessions before the revision must not be believed any more. There is no
-- reference to the session, because most of them are gone.
CREATE TABLE session_changes (
    revision BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (revision, session_id)
);
