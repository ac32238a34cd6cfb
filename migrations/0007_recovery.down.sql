DROP INDEX outbox_by_due;

CREATE INDEX outbox_by_due ON outbox (due_at);

DROP TABLE seen_devices;

ALTER TABLE emails DROP COLUMN tied_at;

DROP TABLE former_emails;

DROP TABLE challenges;
