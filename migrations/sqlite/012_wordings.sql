-- The words that mails may be given, known by their digest, and since when the ledger knows them. Rows are only ever added.
-- Of every version from its first day on, so that no entry can name words that nobody has kept.

CREATE TABLE wordings (
    company INTEGER NOT NULL REFERENCES companies (id),
    digest  BLOB    NOT NULL,             -- SHA-256 of the record
    at      INTEGER NOT NULL,             -- microseconds
    record  TEXT    NOT NULL,
    PRIMARY KEY (company, digest)
) STRICT, WITHOUT ROWID;

-- Which words were put into the mail that an entry stands on; NULL where none were, and in entries of before.
ALTER TABLE entries ADD COLUMN wording BLOB;
