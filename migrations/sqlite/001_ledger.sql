-- The ledger, version 1. Entries are only ever added; what can be derived from them is marked as derived.

CREATE TABLE companies (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,
    seq     INTEGER NOT NULL,             -- number of the newest entry, 0 for none
    head    BLOB    NOT NULL,             -- its hash
    posted  INTEGER NOT NULL              -- its time of posting, microseconds
) STRICT;

-- The keys a company's candidate keys may be made with. A fingerprint reveals nothing of its key.
CREATE TABLE company_keys (
    company     INTEGER NOT NULL REFERENCES companies (id),
    key_id      INTEGER NOT NULL,
    fingerprint TEXT    NOT NULL,
    PRIMARY KEY (company, key_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE contracts (
    id                 INTEGER PRIMARY KEY,
    company            INTEGER NOT NULL REFERENCES companies (id),
    series             TEXT    NOT NULL,
    version            INTEGER NOT NULL,
    digest             BLOB    NOT NULL,
    from_day           TEXT    NOT NULL,
    threshold          INTEGER NOT NULL,
    count_on           TEXT    NOT NULL,
    person_window_days INTEGER NOT NULL,
    late_bounce        TEXT    NOT NULL,
    UNIQUE (company, series, version)
) STRICT;

CREATE TABLE entries (
    company  INTEGER NOT NULL REFERENCES companies (id),
    seq      INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    contract INTEGER NOT NULL REFERENCES contracts (id),
    person   BLOB,                        -- salted commitment
    event    BLOB,                        -- salted commitment
    worth    INTEGER NOT NULL,
    cycle    INTEGER NOT NULL,
    at       INTEGER NOT NULL,            -- microseconds
    posted   INTEGER NOT NULL,            -- microseconds
    hash     BLOB    NOT NULL,
    PRIMARY KEY (company, seq)
) STRICT, WITHOUT ROWID;

-- The side table of persons: keyed hash, salt, and the derived state of the newest referral.
CREATE TABLE persons (
    id       INTEGER PRIMARY KEY,
    company  INTEGER NOT NULL REFERENCES companies (id),
    key      BLOB    NOT NULL,
    key_id   INTEGER NOT NULL,
    salt     BLOB    NOT NULL,
    contract INTEGER NOT NULL REFERENCES contracts (id),
    stage    INTEGER NOT NULL,
    offered  INTEGER NOT NULL,
    counted  INTEGER,
    UNIQUE (company, key)
) STRICT;

-- The evidence of each person. The id is unique for ever: a replay finds it and adds nothing. It lies behind the person,
-- whose number rises, so that new rows go to one end of the tree however large it is.
CREATE TABLE events (
    person         INTEGER NOT NULL REFERENCES persons (id),
    id             BLOB    NOT NULL,
    seq            INTEGER NOT NULL,      -- the first entry it made
    series         TEXT    NOT NULL,
    transaction_id TEXT    NOT NULL,
    recipient      INTEGER NOT NULL,
    route          TEXT    NOT NULL,
    proves         TEXT    NOT NULL,
    inserted       INTEGER NOT NULL,
    PRIMARY KEY (person, id)
) STRICT, WITHOUT ROWID;

-- Derived.
CREATE TABLE pools (
    company  INTEGER NOT NULL REFERENCES companies (id),
    series   TEXT    NOT NULL,
    counted  INTEGER NOT NULL,
    toward   INTEGER NOT NULL,
    cycles   INTEGER NOT NULL,
    contract INTEGER NOT NULL REFERENCES contracts (id),  -- the version used last
    PRIMARY KEY (company, series)
) STRICT, WITHOUT ROWID;

-- Derived, and the lock on granting a slot twice.
CREATE TABLE grants (
    company   INTEGER NOT NULL REFERENCES companies (id),
    series    TEXT    NOT NULL,
    cycle     INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    threshold INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (company, series, cycle)
) STRICT, WITHOUT ROWID;

-- The mails about grants: due until a courier has taken them.
CREATE TABLE notices (
    company INTEGER NOT NULL,
    series  TEXT    NOT NULL,
    cycle   INTEGER NOT NULL,
    taken   INTEGER,                      -- microseconds; NULL while due
    PRIMARY KEY (company, series, cycle),
    FOREIGN KEY (company, series, cycle) REFERENCES grants (company, series, cycle)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_due ON notices (company, series, cycle) WHERE taken IS NULL;

-- Events that no known contract or key rules: kept whole until one does.
CREATE TABLE parked (
    id      BLOB PRIMARY KEY,
    company TEXT    NOT NULL,
    event   TEXT    NOT NULL,             -- JSON
    reason  TEXT    NOT NULL,
    parked  INTEGER NOT NULL
) STRICT;
CREATE INDEX parked_by_company ON parked (company);

-- How far this node's outbox was posted.
CREATE TABLE progress (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    seq   INTEGER NOT NULL,
    event BLOB    NOT NULL
) STRICT;
