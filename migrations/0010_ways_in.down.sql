DROP TABLE provider_visits;

DROP TABLE identities;

DROP TABLE device_requests;

DROP TABLE pushed_requests;

-- Older versions take every app for one of the operator's.
DELETE FROM apps WHERE fetched_at IS NOT NULL;

ALTER TABLE apps DROP COLUMN fetched_at;
