DROP INDEX outbox_deferred;

DROP INDEX outbox_failed;

DROP INDEX outbox_by_kind;

DROP INDEX outbox_by_creation;

DROP INDEX outbox_by_stream;

ALTER TABLE outbox DROP COLUMN place;

ALTER TABLE outbox DROP COLUMN stream;

DELETE FROM outbox WHERE kind = 'webhook';

DROP TABLE webhook_messages;

DROP TABLE webhooks;

DROP TABLE invitations;

DROP TABLE repeatable_requests;

DROP TABLE api_keys;

DROP TABLE figures;

DROP TABLE audit_readers;

DROP INDEX audit_events_by_event;

DROP INDEX audit_events_by_request;

DROP INDEX audit_events_by_actor;

ALTER TABLE audit_events DROP COLUMN request_id;

ALTER TABLE audit_events DROP COLUMN actor;

DROP INDEX accounts_leaving;

DROP INDEX accounts_disabled;

DROP INDEX accounts_by_creation;

DROP TABLE search_terms;

DROP TABLE group_names;

DELETE FROM facts WHERE name IN ('directory', 'accounts', 'backed_up');
