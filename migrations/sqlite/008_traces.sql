-- Version 6: what a trace and a statement look for is found without reading every event.

-- Ids of mails begin with their time, so new rows go to one end of this tree too.
CREATE INDEX events_by_transaction ON events (transaction_id);

-- Rejections that came signed by DKIM and therefore got no line: how many in each hour. No part of the chain: nothing is
-- counted by them.
CREATE TABLE held_back (
    company INTEGER NOT NULL REFERENCES companies (id),
    hour    INTEGER NOT NULL,             -- its first microsecond
    mails   INTEGER NOT NULL,
    PRIMARY KEY (company, hour)
) STRICT, WITHOUT ROWID;
