-- What persons did to the count, word for word as its digest in the entry covers it. Rows are only ever added.

CREATE TABLE acts (
    company INTEGER NOT NULL REFERENCES companies (id),
    seq     INTEGER NOT NULL,             -- the entry that stands on it
    digest  BLOB    NOT NULL,             -- SHA-256 of the record
    record  TEXT    NOT NULL,             -- JSON
    PRIMARY KEY (company, seq)
) STRICT, WITHOUT ROWID;

-- The act an entry stands on; NULL for what the mail path tells.
ALTER TABLE entries ADD COLUMN act BLOB;

-- Derived: how far a slot has come (1 granted, 2 reserved, 3 confirmed, 4 introduced, 5 redeemed, 6 expired, 7 voided),
-- and until when it is reserved.
ALTER TABLE grants ADD COLUMN stage INTEGER NOT NULL DEFAULT 1;
ALTER TABLE grants ADD COLUMN deadline INTEGER; -- microseconds
UPDATE grants SET stage = 7 WHERE voided IS NOT NULL;

-- What a contract version says of slots. NULL: no end, no limit.
ALTER TABLE contracts ADD COLUMN slot_expiry_days INTEGER;
ALTER TABLE contracts ADD COLUMN review_days INTEGER NOT NULL DEFAULT 7;
ALTER TABLE contracts ADD COLUMN reserve_max INTEGER; -- in a quarter of the year
