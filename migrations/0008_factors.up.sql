-- Passkeys. id: the credential id. rp_id: the host that it was made for, and works at. public_key: a COSE
-- key. Both are in base64url. counter: the last one that the authenticator has sent. unproven: whether it
-- was added while an address of the account waited to be verified: its owner may be somebody else.
CREATE TABLE passkeys (
    id TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    rp_id TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    counter BIGINT NOT NULL,
    backup_eligible BIGINT NOT NULL,
    backed_up BIGINT NOT NULL,
    aaguid TEXT NOT NULL,
    transports TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    unproven BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX passkeys_by_account ON passkeys (account_id);

-- Authenticator apps. secret: sealed with a key of the server's; none until a code has confirmed it.
-- used_step: the last step whose code was used. pending_secret, pending_codes: what is being set up until
-- pending_until, sealed, too. unproven: as above. offer_declined_at: when its owner did not want to hear of passkeys again.
CREATE TABLE second_factors (
    account_id BIGINT NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    secret TEXT,
    confirmed_at BIGINT,
    used_step BIGINT NOT NULL DEFAULT 0,
    pending_secret TEXT,
    pending_codes TEXT,
    pending_until BIGINT NOT NULL DEFAULT 0,
    unproven BIGINT NOT NULL DEFAULT 0,
    offer_declined_at BIGINT
);

-- Recovery codes. code: a hash, sealed. Each works once.
CREATE TABLE recovery_codes (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    place BIGINT NOT NULL,
    code TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (account_id, place)
);

-- Devices that are not asked for the second factor. tag: a hash of the id in the device's cookie.
CREATE TABLE trusted_devices (
    id TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    device TEXT NOT NULL,
    network TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX trusted_devices_by_account ON trusted_devices (account_id);

-- state: what the second step must know of the first.
ALTER TABLE challenges ADD COLUMN state TEXT NOT NULL DEFAULT '';

-- auth_time: when its user last signed in or confirmed who they are, whatever became of the proof since.
ALTER TABLE sessions ADD COLUMN auth_time BIGINT NOT NULL DEFAULT 0;

UPDATE sessions SET auth_time = CASE WHEN proved_at > 0 THEN proved_at ELSE created_at END;
