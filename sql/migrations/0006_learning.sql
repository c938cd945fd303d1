-- What the learning loop found out about a correction's crop: by gallery, since similarities of another one are others.
-- It depends on the crop and the gallery's own pictures alone, so that taking a correction back never makes it stale.
-- No foreign keys, and dropped first where it is there, as in 0004.

DROP TABLE IF EXISTS correction_studies, confusion_pairs;

CREATE TABLE correction_studies (
    correction_id uuid NOT NULL,
    gallery_id    integer NOT NULL,
    encoded       halfvec NOT NULL,  -- the crop, the right way up, as the encoder gave it
    features      bytea CHECK (octet_length(features) <= 8192),  -- the crop, as verification looks for pictures
    findings      jsonb NOT NULL,
    studied_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (correction_id, gallery_id)
);

-- Corrections that say of alike crops that the gallery lacks the card share a number.
ALTER TABLE corrections ADD COLUMN unknown_group bigint;

-- What was answered, for as long as the correction stays: its scan is forgotten sooner.
ALTER TABLE corrections ADD COLUMN answered_card_id text;
UPDATE corrections c SET answered_card_id = d.card_id FROM detections d WHERE d.id = c.detection_id;

-- Which card was answered and which it was, from the corrections that were learnt; a card with itself where people
-- confirmed the answer.
CREATE TABLE confusion_pairs (
    answered_card_id text NOT NULL,
    right_card_id    text NOT NULL,
    times            integer NOT NULL CHECK (times > 0),
    PRIMARY KEY (answered_card_id, right_card_id)
);

-- Whatever goes wrong, no correction is learnt twice.
CREATE UNIQUE INDEX templates_once_a_correction ON templates (gallery_id, correction_id);
DROP INDEX templates_correction_id;
CREATE INDEX templates_correction_id ON templates (correction_id) WHERE correction_id IS NOT NULL;
