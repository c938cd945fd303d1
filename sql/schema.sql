-- The whole schema as the migrations leave it, for reading. Kept by hand: whoever adds a migration changes this
-- file too. tests/integration/db/test_migrate.py builds both and compares what PostgreSQL then knows.

-- Which migrations were applied; made by app/db/migrate.py itself.
CREATE TABLE schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Hashes are lowercase hexadecimal SHA-256. Lengths are pixels of the uploaded picture after its EXIF turn.

CREATE EXTENSION IF NOT EXISTS vector;

-- Every stored picture once: scans, crops and reference images. In the database, so that several replicas share
-- them; apart from what refers to them, so that a learnt crop outlives its scan. Deleted when nothing refers to it.
CREATE TABLE blobs (
    sha256     text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    media_type text NOT NULL,
    data       bytea NOT NULL,
    used_at    timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE blobs ALTER COLUMN data SET STORAGE EXTERNAL;  -- pictures are compressed already

CREATE TABLE artwork_groups (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cards (
    card_id          text PRIMARY KEY CHECK (card_id <> ''),
    artwork_group_id bigint NOT NULL REFERENCES artwork_groups,
    name             text NOT NULL,
    set_id           text,
    set_name         text,
    number           text,
    rarity           text,
    language         text,
    game             text,
    search_words     tsvector NOT NULL,  -- made by app/db/search_words.py, which also splits the query
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX cards_search_words ON cards USING gin (search_words);
CREATE INDEX cards_artwork_group_id ON cards (artwork_group_id);
CREATE INDEX cards_set_id ON cards (set_id);
CREATE INDEX cards_game ON cards (game);
CREATE INDEX cards_language ON cards (language);

CREATE TABLE reference_images (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    card_id       text NOT NULL REFERENCES cards ON DELETE CASCADE,
    source_sha256 text NOT NULL,  -- of the file it was imported from; the stored picture may be smaller
    blob_sha256   text NOT NULL REFERENCES blobs,
    created_at    timestamptz NOT NULL DEFAULT now(),
    features      bytea CHECK (octet_length(features) <= 8192),  -- what verification looks for on a crop
    UNIQUE (card_id, source_sha256)
);
CREATE INDEX reference_images_blob_sha256 ON reference_images (blob_sha256);

-- One row an encoder, and while a gallery moves into another space a second one, not current yet. 4,000 dimensions
-- are the most that HNSW indexes of halfvec take, and still fit a page.
CREATE TABLE galleries (
    id                  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    encoder_fingerprint text NOT NULL,
    encoder_name        text NOT NULL,
    encoder_precision   text NOT NULL,
    dimension           integer NOT NULL CHECK (dimension BETWEEN 1 AND 4000),
    created_at          timestamptz NOT NULL DEFAULT now(),
    fingerprint         text NOT NULL UNIQUE,  -- of encoder and space; without a space the encoder's
    current             boolean NOT NULL DEFAULT true,
    space               bytea,  -- fitted on its own cards (app/domain/space.py)
    space_cards         integer CHECK (space_cards > 0),
    CHECK ((space IS NULL) = (space_cards IS NULL))
);
CREATE UNIQUE INDEX galleries_current ON galleries (encoder_fingerprint) WHERE current;

-- Cards whose pictures have been compared with all others, for the artwork groups. By encoder, since its similarities
-- have a say. Where what a card is compared by changes, its row goes, and the next import compares it again. No foreign
-- keys: a backup from before these tables could not be restored over them.
CREATE TABLE compared_cards (
    card_id             text NOT NULL,
    encoder_fingerprint text NOT NULL,
    asked_from          real NOT NULL,  -- cards this alike and more, of those that come later, are compared with it
    PRIMARY KEY (card_id, encoder_fingerprint)
);

-- What the comparisons found. Pairs with a card that has no row in compared_cards count nothing any more, and are
-- deleted when groups are next made.
CREATE TABLE same_pictures (
    first_card_id       text NOT NULL,
    second_card_id      text NOT NULL,
    encoder_fingerprint text NOT NULL,
    PRIMARY KEY (first_card_id, second_card_id, encoder_fingerprint),
    CHECK (first_card_id COLLATE "C" < second_card_id COLLATE "C")
);

CREATE TABLE scans (
    id                  uuid PRIMARY KEY,
    sha256              text NOT NULL,  -- of the upload
    width_px            integer NOT NULL,
    height_px           integer NOT NULL,
    image_sha256        text NOT NULL REFERENCES blobs,
    timings_ms          jsonb NOT NULL,
    encoder_fingerprint text NOT NULL,
    encoder_name        text NOT NULL,
    encoder_precision   text NOT NULL,
    encoder_dimension   integer NOT NULL,
    key_id              text,
    created_at          timestamptz NOT NULL DEFAULT now(),
    decode_ms           float8 GENERATED ALWAYS AS ((timings_ms ->> 'decode')::float8) STORED,
    detect_ms           float8 GENERATED ALWAYS AS ((timings_ms ->> 'detect')::float8) STORED,
    embed_ms            float8 GENERATED ALWAYS AS ((timings_ms ->> 'embed')::float8) STORED,
    search_ms           float8 GENERATED ALWAYS AS ((timings_ms ->> 'search')::float8) STORED,
    verify_ms           float8 GENERATED ALWAYS AS ((timings_ms ->> 'verify')::float8) STORED,
    total_ms            float8 GENERATED ALWAYS AS ((timings_ms ->> 'total')::float8) STORED
);
CREATE INDEX scans_newest_first ON scans (created_at DESC, id DESC);
CREATE INDEX scans_image_sha256 ON scans (image_sha256);

-- The answer as it was given. Cards are copied, not referenced: a card renamed or removed later changes no reply.
CREATE TABLE detections (
    id                  uuid PRIMARY KEY,
    scan_id             uuid NOT NULL REFERENCES scans ON DELETE CASCADE,
    position            integer NOT NULL,  -- reading order, from zero
    quad_px             float8[] NOT NULL CHECK (cardinality(quad_px) = 8),  -- x, y of four corners
    detection_score     float8 NOT NULL,
    rotation            smallint NOT NULL CHECK (rotation IN (0, 90, 180, 270)),
    grid_row            integer,
    grid_column         integer,
    status              text NOT NULL CHECK (status IN ('accepted', 'review', 'unknown')),
    card_id             text,
    card                jsonb,
    confidence_card     float8 NOT NULL,
    confidence_printing float8 NOT NULL,
    candidates          jsonb NOT NULL,
    ambiguous_with      text[] NOT NULL,
    sharpness           float8 NOT NULL,
    glare               float8 NOT NULL,
    height_px           integer NOT NULL,
    advice              text[] NOT NULL,
    degraded            text[] NOT NULL,
    crop_sha256         text NOT NULL REFERENCES blobs,
    set_id              text GENERATED ALWAYS AS (card ->> 'set_id') STORED,
    set_name            text GENERATED ALWAYS AS (card ->> 'set_name') STORED,
    language            text GENERATED ALWAYS AS (card ->> 'language') STORED,
    first_card_id       text GENERATED ALWAYS AS (candidates #>> '{0,card,card_id}') STORED,
    first_group         bigint GENERATED ALWAYS AS ((candidates #>> '{0,artwork_group_id}')::bigint) STORED,
    first_source        text GENERATED ALWAYS AS (candidates #>> '{0,template_source}') STORED,
    UNIQUE (scan_id, position),
    CHECK ((grid_row IS NULL) = (grid_column IS NULL)),
    CHECK ((card_id IS NULL) = (card IS NULL))
);
CREATE INDEX detections_crop_sha256 ON detections (crop_sha256);
-- All that is counted of answers, so that their wide rows are not read for figures.
CREATE INDEX detections_counted ON detections (scan_id) INCLUDE (status, set_id, set_name, language);
CREATE INDEX detections_degraded ON detections (scan_id) INCLUDE (degraded, set_id) WHERE cardinality(degraded) > 0;

-- What a person said stays when the scan is forgotten, with the crop it was said about; so does the id of a card
-- that is no longer in the gallery.
CREATE TABLE corrections (
    id              uuid PRIMARY KEY,
    sequence        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,  -- order of arrival
    status          text NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'learned', 'quarantined', 'rejected', 'undone')),
    reason          text,
    verdict         text NOT NULL CHECK (verdict IN ('card', 'not_in_gallery', 'not_a_card')),
    scan_id         uuid REFERENCES scans ON DELETE SET NULL,
    detection_id    uuid REFERENCES detections ON DELETE SET NULL,
    quad_px         float8[] CHECK (cardinality(quad_px) = 8),
    card_id         text,
    note            text,
    key_id          text,
    crop_sha256     text REFERENCES blobs,
    idempotency_key text,
    body_sha256     text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    unknown_group   bigint,  -- corrections that say of alike crops that the gallery lacks the card share a number
    answered_card_id text,  -- what was answered, for as long as the correction stays
    CHECK ((verdict = 'card') = (card_id IS NOT NULL))
);
CREATE INDEX corrections_pending ON corrections (sequence) WHERE status = 'pending';
CREATE INDEX corrections_learnt ON corrections (card_id) WHERE status = 'learned';
CREATE INDEX corrections_scan_id ON corrections (scan_id);
CREATE INDEX corrections_detection_id ON corrections (detection_id);
CREATE INDEX corrections_crop_sha256 ON corrections (crop_sha256);
CREATE UNIQUE INDEX corrections_idempotency ON corrections (idempotency_key, key_id) NULLS NOT DISTINCT
    WHERE idempotency_key IS NOT NULL;

-- Galleries of several encoders and dimensions stand side by side: the column has no fixed dimension, and each
-- gallery gets its own partial HNSW index on a cast to its dimension (build_template_index in queries).
CREATE TABLE templates (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gallery_id         integer NOT NULL REFERENCES galleries ON DELETE CASCADE,
    card_id            text NOT NULL REFERENCES cards ON DELETE CASCADE,
    source             text NOT NULL CHECK (source IN ('official', 'augmented', 'correction')),
    active             boolean NOT NULL DEFAULT true,  -- an undone correction's template stays, unseen
    reference_image_id bigint REFERENCES reference_images ON DELETE CASCADE,
    view_index         integer,
    correction_id      uuid REFERENCES corrections ON DELETE CASCADE,
    created_at         timestamptz NOT NULL DEFAULT now(),
    embedding          halfvec NOT NULL,  -- what is searched: in the gallery's space, where it has one
    encoded            halfvec,  -- what the encoder gave, where that differs; outside the row where it is long
    UNIQUE (gallery_id, reference_image_id, view_index),
    CHECK ((source = 'correction') = (correction_id IS NOT NULL)),
    CHECK ((source = 'correction') = (reference_image_id IS NULL)),
    CHECK ((reference_image_id IS NULL) = (view_index IS NULL))
);
ALTER TABLE templates ALTER COLUMN embedding SET STORAGE PLAIN;  -- beyond 1,000 dimensions TOAST would slow every scan down
CREATE INDEX templates_card_id ON templates (card_id, gallery_id);
CREATE INDEX templates_reference_image_id ON templates (reference_image_id);
CREATE UNIQUE INDEX templates_once_a_correction ON templates (gallery_id, correction_id);
CREATE INDEX templates_correction_id ON templates (correction_id) WHERE correction_id IS NOT NULL;

-- What the learning loop found out about a correction's crop: by gallery, since similarities of another one are others.
-- It depends on the crop and the gallery's own pictures alone, so that taking a correction back never makes it stale.
-- No foreign keys: see compared_cards.
CREATE TABLE correction_studies (
    correction_id uuid NOT NULL,
    gallery_id    integer NOT NULL,
    encoded       halfvec NOT NULL,  -- the crop, the right way up, as the encoder gave it
    features      bytea CHECK (octet_length(features) <= 8192),  -- the crop, as verification looks for pictures
    findings      jsonb NOT NULL,
    studied_at    timestamptz NOT NULL DEFAULT now(),
    stale         boolean NOT NULL DEFAULT false,  -- the gallery's pictures have changed since
    PRIMARY KEY (correction_id, gallery_id)
);

-- Which card was answered and which it was, from the corrections that were learnt; a card with itself where people
-- confirmed the answer.
CREATE TABLE confusion_pairs (
    answered_card_id text NOT NULL,
    right_card_id    text NOT NULL,
    times            integer NOT NULL CHECK (times > 0),
    PRIMARY KEY (answered_card_id, right_card_id)
);

-- A repeated upload with the same key gets the scan it already made.
CREATE TABLE scan_idempotency (
    key         text NOT NULL,
    key_id      text,
    body_sha256 text NOT NULL,
    scan_id     uuid NOT NULL REFERENCES scans ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (key, key_id)
);
CREATE INDEX scan_idempotency_scan_id ON scan_idempotency (scan_id);

-- What login cookies are sealed with, together with the hash of their key: one row, made by the first service that
-- starts. Shared by all replicas and kept over restarts; without the row the next start makes another, and every
-- login has ended.
CREATE TABLE login_secret (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    secret   bytea NOT NULL CHECK (octet_length(secret) = 32)
);
