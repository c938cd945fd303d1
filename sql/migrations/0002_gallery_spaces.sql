-- A gallery may have a space that was fitted on its own cards (app/domain/space.py). Another space makes another
-- gallery, so that templates of two spaces never meet in a search; galleries that are there have none and stay.

ALTER TABLE galleries
    ADD COLUMN fingerprint text,
    ADD COLUMN current boolean NOT NULL DEFAULT true,
    ADD COLUMN space bytea,
    ADD COLUMN space_cards integer CHECK (space_cards > 0),
    ADD CHECK ((space IS NULL) = (space_cards IS NULL));
UPDATE galleries SET fingerprint = encoder_fingerprint;
ALTER TABLE galleries
    ALTER COLUMN fingerprint SET NOT NULL,
    ADD UNIQUE (fingerprint),
    DROP CONSTRAINT galleries_encoder_fingerprint_key;
CREATE UNIQUE INDEX galleries_current ON galleries (encoder_fingerprint) WHERE current;

-- Outside the row where it is long: only the next space and the artwork groups read it.
ALTER TABLE templates ADD COLUMN encoded halfvec;
