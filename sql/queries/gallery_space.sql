-- name: keep_templates
-- For whoever adds, changes or removes templates, or reads them in several statements, first of all: waits while a
-- gallery moves into another space.
SELECT pg_advisory_xact_lock_shared($1)

-- name: count_cards_to_fit
SELECT count(DISTINCT card_id) FROM templates
WHERE gallery_id = $1 AND source = 'official' AND active AND view_index = 0

-- name: vectors_to_fit
-- Of each card its first official picture, in an order that no collation changes.
DECLARE vectors NO SCROLL CURSOR FOR
SELECT DISTINCT ON (t.card_id COLLATE "C") t.id, coalesce(t.encoded, t.embedding) AS vector
FROM templates t
WHERE t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active AND t.view_index = 0
ORDER BY t.card_id COLLATE "C", t.reference_image_id

-- name: lock_gallery
-- Against writers that know of no keep_templates: their templates' foreign key waits for this row.
SELECT id FROM galleries WHERE id = $1 FOR UPDATE

-- name: add_gallery_in_space
-- Parameters: the gallery it takes the place of, fingerprint, space, cards the space was fitted on.
INSERT INTO galleries (encoder_fingerprint, encoder_name, encoder_precision, dimension, created_at,
                       fingerprint, current, space, space_cards)
SELECT encoder_fingerprint, encoder_name, encoder_precision, dimension, created_at, $2, false, $3, $4
FROM galleries WHERE id = $1
RETURNING id

-- name: vectors_to_move
DECLARE vectors NO SCROLL CURSOR FOR
SELECT id, coalesce(encoded, embedding) AS vector FROM templates WHERE gallery_id = {gallery_id} ORDER BY id

-- name: fetch_vectors
FETCH {count} FROM vectors

-- name: close_vectors
-- An open cursor would keep the index from being built in the same transaction.
CLOSE vectors

-- name: copy_templates
-- Parameters: gallery, template ids, their vectors in its space or NULL for those that the encoder gave.
INSERT INTO templates (gallery_id, card_id, source, active, reference_image_id, view_index, correction_id,
                       created_at, embedding, encoded)
SELECT $1, t.card_id, t.source, t.active, t.reference_image_id, t.view_index, t.correction_id, t.created_at,
       coalesce(moved.embedding, t.encoded, t.embedding),
       CASE WHEN moved.embedding IS NOT NULL THEN coalesce(t.encoded, t.embedding) END
FROM unnest($2::bigint[], $3::halfvec[]) AS moved (id, embedding)
JOIN templates t ON t.id = moved.id
ORDER BY moved.id

-- name: delete_gallery
DELETE FROM galleries WHERE id = $1

-- name: make_gallery_current
UPDATE galleries SET current = true WHERE id = $1
