-- The row of an unended run is written only when its state changes: last_seq and fact_bytes are those of that moment,
-- and later rows of facts say what they add. Rows from before this migration are all counted in their run's row.
ALTER TABLE facts ADD COLUMN count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
