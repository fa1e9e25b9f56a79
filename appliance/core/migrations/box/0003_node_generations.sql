-- Every wanted state that was ever committed; the highest number is the one in force.
CREATE TABLE node_generations (
    number BIGINT PRIMARY KEY,
    at     BIGINT NOT NULL,
    who    TEXT NOT NULL,
    wanted TEXT NOT NULL
);
