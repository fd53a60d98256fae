-- Referrals in mails that an MTA has from our milter: what acceptance, or a report, turns into an outbox row. No address.
-- state: 0 pending, 1 accepted, 2 delivered, 3 bounced, 4 lapsed.
CREATE TABLE intents (
    transaction_id TEXT    NOT NULL,
    recipient      INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    route          TEXT    NOT NULL,
    tagged         INTEGER NOT NULL,
    company        TEXT    NOT NULL,
    key_id         INTEGER NOT NULL,
    candidate      BLOB    NOT NULL,
    token          TEXT    NOT NULL,
    series         TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    digest         BLOB    NOT NULL,
    inserted       INTEGER NOT NULL,
    wording        BLOB,
    earlier        BLOB,
    traits         TEXT,
    state          INTEGER NOT NULL DEFAULT 0,
    deferrals      INTEGER NOT NULL DEFAULT 0,
    last_reply     TEXT,
    last_at        INTEGER,                 -- of the evidence that came last, by its own time
    PRIMARY KEY (transaction_id, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX intents_pending ON intents (at) WHERE state = 0;
CREATE INDEX intents_of ON intents (company, key_id, candidate);

-- The names by which MTAs speak of these mails. One name may be given again, to another mail.
CREATE TABLE intent_names (
    queue_id       TEXT    NOT NULL,
    mta            TEXT    NOT NULL,
    transaction_id TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    PRIMARY KEY (queue_id, mta, transaction_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX intent_names_of ON intent_names (transaction_id);

-- How far each log of an MTA was read: which file, how many octets, and a checksum of those in front.
CREATE TABLE log_positions (
    log    TEXT    PRIMARY KEY,
    file   INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    mark   INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
