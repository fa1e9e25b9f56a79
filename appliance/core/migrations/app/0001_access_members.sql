-- People. Flags are 0 or 1; totp_secret and totp_pending are sealed.
CREATE TABLE members (
    id             IDENTITY_KEY,
    name           TEXT NOT NULL UNIQUE,
    role           TEXT NOT NULL,
    password_hash  TEXT NOT NULL,
    totp_secret    TEXT,
    totp_pending   TEXT,
    totp_last_step BIGINT NOT NULL DEFAULT 0,
    language       TEXT,
    theme          TEXT NOT NULL DEFAULT 'system',
    created_at     BIGINT NOT NULL
);

-- Codes that stand in for a lost second factor, once each.
CREATE TABLE recovery_codes (
    member_id BIGINT NOT NULL REFERENCES members (id),
    code_hash TEXT NOT NULL,
    used_at   BIGINT,
    PRIMARY KEY (member_id, code_hash)
);
