DROP TABLE audit_events;

DROP TABLE throttle;

DROP TABLE password_links;

DROP TABLE refresh_tokens;

ALTER TABLE sessions DROP COLUMN refreshable;

ALTER TABLE sessions DROP COLUMN remembered;

ALTER TABLE sessions DROP COLUMN proved_at;

ALTER TABLE sessions DROP COLUMN seen_at;

ALTER TABLE sessions DROP COLUMN network;

ALTER TABLE sessions DROP COLUMN device;

ALTER TABLE sessions DROP COLUMN carrier;

DROP INDEX accounts_by_delete_at;

ALTER TABLE accounts DROP COLUMN delete_at;

ALTER TABLE accounts DROP COLUMN disabled_at;
