-- The operator's public keys, as a company's file names them: who may sign that a hire slot was used. The signatures
-- themselves are acts behind entries of kind 27.

CREATE TABLE operator_keys (
    company INTEGER NOT NULL REFERENCES companies (id),
    public  BLOB    NOT NULL,
    since   INTEGER NOT NULL,             -- microseconds: when the ledger first knew it
    gone    INTEGER,                      -- when the file named it no more; what it signed before holds
    PRIMARY KEY (company, public)
) STRICT, WITHOUT ROWID;

-- Keys that have signed contract versions are known since then.
INSERT INTO operator_keys (company, public, since)
    SELECT c.company, s.public, MIN(s.at) FROM contract_signatures s JOIN contracts c ON c.id = s.contract
    GROUP BY c.company, s.public;

-- Whether counting begins anew with a contract version (entries of kind 22), and what waited lapses.
ALTER TABLE contracts ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;
CREATE INDEX entries_restarted ON entries (company, contract) WHERE kind = 22;
