-- Failures by account, by address, and by both. good_at: this account has signed in from this address before.
CREATE TABLE throttles (
    what         TEXT PRIMARY KEY,
    failures     BIGINT NOT NULL,
    last_failure BIGINT NOT NULL,
    good_at      BIGINT
);
