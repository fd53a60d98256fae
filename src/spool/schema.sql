-- The spool, schema 1: no address and no octet of a mail is in it. Times are nanoseconds since 1970 (UTC).

-- A mail in custody. Its content (addresses, edits, and an original without a file of its own) lies in spool.content.
CREATE TABLE entries (
    entry       INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    company     TEXT,
    received_at INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    octets      INTEGER NOT NULL,
    checksum    INTEGER NOT NULL,
    file_octets INTEGER,
    parked      INTEGER NOT NULL DEFAULT 0,
    kept_since  INTEGER NOT NULL,
    told_late   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- state: 0 waiting, 1 sending, 2 in doubt, 3 parked, 4 held.
CREATE TABLE recipients (
    entry         INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE,
    number        INTEGER NOT NULL,
    copy          INTEGER NOT NULL,
    route         TEXT    NOT NULL,
    state         INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    next_at       INTEGER NOT NULL,
    last_reply    TEXT,
    maybe_doubled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (entry, number)
) STRICT, WITHOUT ROWID;

-- What is due is found by destination (route, or route/domain), so that a dead one with many mails hides no other.
CREATE INDEX recipients_due ON recipients (route, next_at) WHERE state = 0;
-- What a start has to tell of and to mend is found without a look at all that waits.
CREATE INDEX recipients_marked ON recipients (entry) WHERE state IN (1, 2);
CREATE INDEX recipients_doubled ON recipients (entry) WHERE maybe_doubled = 1;

-- What acceptance turns into an outbox row.
CREATE TABLE offers (
    entry     INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE,
    recipient INTEGER NOT NULL,
    company   TEXT    NOT NULL,
    key_id    INTEGER NOT NULL,
    candidate BLOB    NOT NULL,
    token     TEXT    NOT NULL,
    series    TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    digest    BLOB    NOT NULL,
    inserted  INTEGER NOT NULL,
    wording   BLOB,
    earlier   BLOB,                     -- the candidate under keys that were rotated out; NULL for none
    traits    TEXT,                     -- what signals of fraud look at; NULL where nothing is known
    PRIMARY KEY (entry, recipient)
) STRICT, WITHOUT ROWID;

-- Mails held for a word of HR. Without one they go out by the copy that has no line, once hold_clock is at due_ms.
CREATE TABLE holds (
    entry      INTEGER PRIMARY KEY REFERENCES entries ON DELETE CASCADE,
    plain_copy INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    evidence   TEXT    NOT NULL,
    due_ms     INTEGER NOT NULL
) STRICT;
CREATE INDEX holds_due ON holds (due_ms);

-- How each hold ended, and who said so; nobody when its time was over. Kept for a year.
CREATE TABLE hold_ends (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    id      TEXT    NOT NULL,
    company TEXT,
    reason  TEXT    NOT NULL,
    line    INTEGER NOT NULL,
    actor   TEXT
) STRICT;

-- How long the server has run, pauses included, and when that was written down. One row.
CREATE TABLE hold_clock (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    ran_ms INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

-- Next hops that refused edited mails of a company: none is edited for them until an admin resumes it.
CREATE TABLE edit_stops (
    company  TEXT    NOT NULL,
    next_hop TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (company, next_hop)
) STRICT, WITHOUT ROWID;

-- Referrals on their way to the store, numbered by next_in_outbox.
CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY,
    company     TEXT    NOT NULL,
    key_id      INTEGER NOT NULL,
    candidate   BLOB    NOT NULL,
    token       TEXT    NOT NULL,
    series      TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    digest      BLOB    NOT NULL,
    inserted    INTEGER NOT NULL,
    wording     BLOB,
    recipient   INTEGER NOT NULL,
    proves      INTEGER NOT NULL,
    route       TEXT    NOT NULL,
    transaction_id TEXT NOT NULL,
    at          INTEGER NOT NULL,
    earlier     BLOB,
    traits      TEXT
) STRICT;

-- Mails that left with a return path of ours. Sealed under a key that only the tag in that path gives back: nobody who
-- has this file, or the root key, can read an address in it.
CREATE TABLE return_paths (
    id      BLOB    PRIMARY KEY,
    expires INTEGER NOT NULL,
    sealed  BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX return_paths_expire ON return_paths (expires);

-- Mails of ours that were sent to come back, and when they did. Kept for two months; the store has what they prove.
CREATE TABLE probes (
    id      TEXT    PRIMARY KEY,
    company TEXT    NOT NULL,
    route   TEXT    NOT NULL,
    sent_at INTEGER NOT NULL,
    back_at INTEGER
) STRICT, WITHOUT ROWID;

-- One row for each time the store confirmed; the newest is never removed.
CREATE TABLE postings (
    up_to_seq INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL
) STRICT;

-- No number is ever used twice: a row goes only when it was posted, and the newest posting stays. AUTOINCREMENT would
-- say the same and write one page more in each commit.
CREATE VIEW next_in_outbox (seq) AS SELECT
    1 + max(ifnull((SELECT max(seq) FROM outbox), 0), ifnull((SELECT max(up_to_seq) FROM postings), 0));

-- What the steady clock said last while mail was kept. kept_since and next_at are by that clock; a start sets them so
-- that it is the wall clock again, however that was set meanwhile.
CREATE TABLE clock (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    at   INTEGER NOT NULL
) STRICT;

-- What admins did with mail in custody. Kept for a year, longer than the mail.
CREATE TABLE acts (
    act        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    what       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    recipients TEXT    NOT NULL             -- their numbers, with blanks between
) STRICT;
CREATE INDEX acts_by_id ON acts (id);

-- Unique names that are taken.
CREATE TABLE once (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
