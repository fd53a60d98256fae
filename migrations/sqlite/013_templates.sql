-- What HR has said of templates. Rows are only ever added; what holds now is the newest of each. A fingerprint is hashes
-- of masked words: nothing of a mail can be read out of it.

CREATE TABLE templates (
    seq         INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,         -- microseconds
    actor       TEXT    NOT NULL,         -- who said so
    act         TEXT    NOT NULL,         -- rejection, never, remove
    source      TEXT    NOT NULL,         -- teach, seen, hold, scan: where it was met
    company     TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    name        TEXT,
    fingerprint BLOB    NOT NULL
) STRICT;
CREATE INDEX templates_by_id ON templates (company, id, seq);

-- The templates of rejections that were seen, and how many mails of each. A bounded number of each company; no part of
-- the chain.
CREATE TABLE seen_templates (
    company     TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    first       INTEGER NOT NULL,         -- microseconds
    last        INTEGER NOT NULL,         -- microseconds
    mails       INTEGER NOT NULL,
    fingerprint BLOB    NOT NULL,
    PRIMARY KEY (company, id)
) STRICT, WITHOUT ROWID;

-- Domains with a mailbox that got rejections about several people: most likely agencies.
CREATE TABLE seen_agencies (
    company     TEXT    NOT NULL,
    domain      TEXT    NOT NULL,
    first       INTEGER NOT NULL,         -- microseconds
    last        INTEGER NOT NULL,         -- microseconds
    PRIMARY KEY (company, domain)
) STRICT, WITHOUT ROWID;
