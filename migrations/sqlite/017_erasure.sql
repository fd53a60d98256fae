-- An erased person leaves a mark among the opt-outs (source 'erased') as long as the person window runs: it keeps the line
-- away, and what arrives late from counting again. Until when, in microseconds; NULL for every other source.

ALTER TABLE optouts ADD COLUMN until INTEGER;
CREATE INDEX optouts_erased ON optouts (company, key) WHERE source = 'erased';
