-- A session that was proved by more than an older version knows must end: that version could not read it.
DELETE FROM sessions WHERE proved_by NOT IN ('password', 'email-code');

ALTER TABLE sessions DROP COLUMN auth_time;

DELETE FROM challenges WHERE purpose NOT IN ('email-code');

ALTER TABLE challenges DROP COLUMN state;

DROP TABLE trusted_devices;

DROP TABLE recovery_codes;

DROP TABLE second_factors;

DROP TABLE passkeys;
