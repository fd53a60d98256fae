-- Slots granted in a row share one mail. Which one is written down before it goes out, so that a crash tells no slot twice.

-- The number of the first slot in the mail; NULL while the slot is in none.
ALTER TABLE notices ADD COLUMN mail INTEGER;
CREATE INDEX notices_alone ON notices (company, series, cycle) WHERE mail IS NULL;
UPDATE notices SET mail = cycle;
