-- Only the hash of a token is kept. A Setup session belongs to no member yet.
CREATE TABLE sessions (
    id               IDENTITY_KEY,
    token_hash       TEXT NOT NULL UNIQUE,
    member_id        BIGINT REFERENCES members (id),
    kind             TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    last_seen        BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    address          TEXT NOT NULL,
    agent            TEXT NOT NULL,
    stepped_up_until BIGINT
);

CREATE INDEX sessions_by_member ON sessions (member_id);
