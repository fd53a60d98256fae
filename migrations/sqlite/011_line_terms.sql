-- What shaped the line of each company, and since when. Rows are only ever added, one when something has changed.

CREATE TABLE line_terms (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,             -- microseconds
    actor   TEXT    NOT NULL,             -- who put it in force
    company TEXT    NOT NULL,
    terms   TEXT    NOT NULL              -- JSON
) STRICT;
CREATE INDEX line_terms_by_company ON line_terms (company, seq);
