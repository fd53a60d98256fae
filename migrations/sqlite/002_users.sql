-- Who may log in, version 2. Every change is a row of its own, dated and with its actor; such rows are only ever added.

CREATE TABLE user_changes (
    seq     INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL,
    at      INTEGER NOT NULL,             -- microseconds
    actor   TEXT    NOT NULL,             -- who asked for it
    act     TEXT    NOT NULL,             -- add, password, remove
    role    TEXT    NOT NULL,             -- of the user from here on; for remove, until here
    company TEXT                          -- the company he is bound to, if any
) STRICT;
CREATE INDEX user_changes_by_name ON user_changes (name, seq);

-- Derived, but for the hash: the users there are now. A hash that was replaced, or whose user was removed, is gone.
CREATE TABLE users (
    name     TEXT    PRIMARY KEY,
    role     TEXT    NOT NULL,
    company  TEXT,
    password TEXT    NOT NULL,            -- a PHC string
    added    INTEGER NOT NULL,            -- microseconds
    changed  INTEGER NOT NULL             -- microseconds
) STRICT, WITHOUT ROWID;
