-- What the operator tells, and what persons correct.

-- Totals the operator reports for a month, where he cannot or may not name referrals. Rows are only ever added; what
-- holds is the newest of each month and stage. No part of the chain: nothing is counted by them.
CREATE TABLE operator_totals (
    seq     INTEGER PRIMARY KEY,
    company INTEGER NOT NULL REFERENCES companies (id),
    at      INTEGER NOT NULL,             -- microseconds
    actor   TEXT    NOT NULL,             -- who entered it
    file    TEXT    NOT NULL,             -- SHA-256 of the file it stood in
    month   TEXT    NOT NULL,             -- such as 2026-11
    stage   TEXT    NOT NULL,
    people  INTEGER NOT NULL
) STRICT;
CREATE INDEX operator_totals_by_month ON operator_totals (company, month, stage, seq);

-- Derived, and the lock on giving a credit back twice. The person is the entry's commitment.
CREATE TABLE reversals (
    company INTEGER NOT NULL REFERENCES companies (id),
    target  INTEGER NOT NULL,             -- the entry that made the credit
    seq     INTEGER NOT NULL,             -- the entry that gives it back
    person  BLOB    NOT NULL,
    PRIMARY KEY (company, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX reversals_by_person ON reversals (company, person);
