-- A gallery that has got or lost pictures since a crop was studied may have another word on it: the crop is studied
-- again. Until that is done the old findings stand, and so does what was learnt from them.
ALTER TABLE correction_studies ADD COLUMN stale boolean NOT NULL DEFAULT false;
