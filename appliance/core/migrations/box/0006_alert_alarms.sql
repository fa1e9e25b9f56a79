CREATE TABLE alert_alarms (
    id           IDENTITY_KEY,
    kind         TEXT NOT NULL,
    service      TEXT NOT NULL,
    sentence     TEXT NOT NULL,
    since        BIGINT NOT NULL,
    gone         BIGINT,
    acknowledged BIGINT
);
