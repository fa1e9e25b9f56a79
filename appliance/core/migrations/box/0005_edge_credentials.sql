-- Credentials of every edge; a serial is never used twice, so that a dead user name or root key id stays dead.
CREATE TABLE edge_credentials (
    serial   BIGINT PRIMARY KEY,
    consumer TEXT NOT NULL,
    provider TEXT NOT NULL,
    stage    TEXT NOT NULL CHECK (stage IN ('next', 'installed', 'current', 'old')),
    sealed   TEXT NOT NULL,
    salt     TEXT NOT NULL,
    since    BIGINT NOT NULL
);

CREATE TABLE edge_serial (
    id   BIGINT PRIMARY KEY CHECK (id = 1),
    last BIGINT NOT NULL
);

INSERT INTO edge_serial (id, last) VALUES (1, 0);
