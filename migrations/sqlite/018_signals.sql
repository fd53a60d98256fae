-- What signals of fraud look at, beside the person and deleted with him: whose his domain is (1 provider, 2 carrier,
-- 3 student, 4 private, 5 disposable), and keyed hashes of parts of his address. NULL where nothing is known of it, and for
-- persons of before. No part of the chain.

ALTER TABLE persons ADD COLUMN class INTEGER;
ALTER TABLE persons ADD COLUMN domain BLOB;
ALTER TABLE persons ADD COLUMN mailbox BLOB;
ALTER TABLE persons ADD COLUMN shape BLOB;

-- Candidates to whom that mail offered the line.
ALTER TABLE events ADD COLUMN offered INTEGER;

-- Registrations, which are few beside the other entries: what a fleet's rate is made of.
CREATE INDEX entries_registered ON entries (company, at) WHERE kind = 17;
