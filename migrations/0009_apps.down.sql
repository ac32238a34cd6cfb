DROP TABLE account_groups;

DROP TABLE used_codes;

DROP TABLE app_refresh_tokens;

DROP TABLE app_consents;

DROP INDEX sessions_by_family;

DROP TABLE app_grants;

DROP TABLE app_secrets;

DROP TABLE apps;

DROP TABLE signing_keys;
