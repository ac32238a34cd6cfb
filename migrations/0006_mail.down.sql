DROP TABLE emails;

DROP TABLE outbox;
