-- Who wants no line, as keyed hashes. Rows are only ever added; what holds now is the newest of each list and key.

CREATE TABLE optouts (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,             -- microseconds
    actor   TEXT    NOT NULL,             -- who entered it
    act     TEXT    NOT NULL,             -- add, remove
    source  TEXT    NOT NULL,             -- candidate, company: who asked for it
    company TEXT,                         -- all companies when absent
    key_id  INTEGER NOT NULL,
    key     BLOB    NOT NULL
) STRICT;
CREATE INDEX optouts_by_key ON optouts (key, key_id, company, seq);
