-- Where the wizard stands: one row. owner_hash and kept are gone once set-up is done; kept is sealed.
CREATE TABLE setup_state (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    step       TEXT NOT NULL,
    owner      TEXT,
    owner_hash TEXT,
    network    TEXT,
    services   TEXT,
    challenge  TEXT,
    kept       TEXT
);

INSERT INTO setup_state (id, step) VALUES (1, 'claim');
