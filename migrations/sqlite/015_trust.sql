-- What both sides can hold on to: whose ledger this is, who signs for it, and what was agreed by signature; and the keys
-- of persons beyond a rotation.

-- The name of this ledger, drawn once. A copy that goes its own way has the same name: checkpoints tell the two apart.
CREATE TABLE ledger_name (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    name BLOB    NOT NULL
) STRICT;
INSERT INTO ledger_name (id, name) VALUES (1, randomblob(16));

-- The keys that sign checkpoints, and since when each does.
CREATE TABLE signing_keys (
    public BLOB    PRIMARY KEY,
    since  INTEGER NOT NULL               -- microseconds
) STRICT, WITHOUT ROWID;

-- The operator's signatures under contract versions. Rows are only ever added.
CREATE TABLE contract_signatures (
    contract  INTEGER NOT NULL REFERENCES contracts (id),
    public    BLOB    NOT NULL,
    signature BLOB    NOT NULL,
    at        INTEGER NOT NULL,           -- microseconds: when the ledger first knew it
    PRIMARY KEY (contract, public)
) STRICT, WITHOUT ROWID;

-- Since when the ledger knows a key; 0 for those of before this version.
ALTER TABLE company_keys ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- Persons under keys beside the one their row is kept under: that of before a rotation, or of after it.
CREATE TABLE person_aliases (
    company INTEGER NOT NULL REFERENCES companies (id),
    key     BLOB    NOT NULL,
    key_id  INTEGER NOT NULL,
    person  INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    PRIMARY KEY (company, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_aliases_by_person ON person_aliases (person);
