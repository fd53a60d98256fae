-- Version 6: what was accepted may count as delivered, on return paths that probes have proven.

-- Probes that came back: when, and by which route they had gone. Kept for ever, so that `verify` can ask for them.
CREATE TABLE proofs (
    company INTEGER NOT NULL REFERENCES companies (id),
    route   TEXT    NOT NULL,
    at      INTEGER NOT NULL,             -- microseconds
    probe   TEXT    NOT NULL,             -- our id of its mail; one probe proves once
    PRIMARY KEY (company, route, at, probe),
    UNIQUE (company, probe)
) STRICT, WITHOUT ROWID;

-- Days without a bounce after which a mail counts as delivered.
ALTER TABLE contracts ADD COLUMN quiet_days INTEGER NOT NULL DEFAULT 7;

-- Those whose newest referral is not known to be delivered.
CREATE INDEX persons_undelivered ON persons (company) WHERE stage <> 2;
