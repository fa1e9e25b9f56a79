-- Small facts of the supervisor, by name: the claim code's record, stopped services, what is staged.
CREATE TABLE node_settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
