-- Secrets that belong to one service alone, sealed under the master key.
CREATE TABLE node_secrets (
    name   TEXT PRIMARY KEY,
    sealed TEXT NOT NULL,
    at     BIGINT NOT NULL
);
