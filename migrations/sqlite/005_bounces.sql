-- Version 5: slots can be voided by late bounces. The entry that voids a slot; NULL while it stands.
ALTER TABLE grants ADD COLUMN voided INTEGER;
