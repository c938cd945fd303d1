-- Figures count all answers of a time. What they ask of an answered card is taken out of its JSON once, when it is
-- stored, and indexes hold all that is counted, so that the wide rows of the answers are not read for it.
ALTER TABLE detections
    ADD COLUMN set_id text GENERATED ALWAYS AS (card ->> 'set_id') STORED,
    ADD COLUMN set_name text GENERATED ALWAYS AS (card ->> 'set_name') STORED,
    ADD COLUMN language text GENERATED ALWAYS AS (card ->> 'language') STORED;

CREATE INDEX detections_counted ON detections (scan_id) INCLUDE (status, set_id, set_name, language);
CREATE INDEX detections_degraded ON detections (scan_id) INCLUDE (degraded, set_id) WHERE cardinality(degraded) > 0;
