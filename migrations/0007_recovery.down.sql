ALTER TABLE emails DROP COLUMN tied_at;

DROP TABLE former_emails;

DROP TABLE challenges;
