-- An erased person leaves a mark among the opt-outs (source 'erased') as long as the person window runs: it keeps the line
-- away, and what arrives late from counting again. Until when, in microseconds; NULL for every other source.

ALTER TABLE optouts ADD COLUMN until INTEGER;
CREATE INDEX optouts_erased ON optouts (company, key) WHERE source = 'erased';

-- Whether a contract version counts mail that never passed here, of which an export or a copy tells.
ALTER TABLE contracts ADD COLUMN count_observed INTEGER NOT NULL DEFAULT 0;

-- People who got the line and are not counted (mailboxes of a duty, thrown away, named by the company): how many in each
-- hour. No part of the chain.
CREATE TABLE uncounted (
    company INTEGER NOT NULL REFERENCES companies (id),
    hour    INTEGER NOT NULL,             -- its first microsecond
    mails   INTEGER NOT NULL,
    PRIMARY KEY (company, hour)
) STRICT, WITHOUT ROWID;
