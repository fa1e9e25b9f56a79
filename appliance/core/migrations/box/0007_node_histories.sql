-- What happened to each service so far, as JSON: read whole, written whole, never searched.
CREATE TABLE node_histories (
    service TEXT PRIMARY KEY,
    history TEXT NOT NULL
);
