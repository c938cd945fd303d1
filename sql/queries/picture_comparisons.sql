-- name: any_card_to_compare
SELECT EXISTS (
    SELECT FROM templates t
    WHERE t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active
      AND NOT EXISTS (SELECT FROM compared_cards k WHERE k.card_id = t.card_id AND k.encoder_fingerprint = $1))

-- name: pictures_to_compare
-- Vectors as the encoder gave them: in a gallery's space the same pictures are less alike. Of each card its first
-- reference picture, whose features are compared.
SELECT DISTINCT ON (c.card_id COLLATE "C") c.card_id, c.game, t.id AS template_id, k.asked_from,
       coalesce(t.encoded, t.embedding) AS vector
FROM templates t
JOIN cards c USING (card_id)
LEFT JOIN compared_cards k ON k.card_id = c.card_id AND k.encoder_fingerprint = $1
WHERE t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active
ORDER BY c.card_id COLLATE "C", t.reference_image_id, t.id

-- name: first_official_templates
SELECT DISTINCT ON (t.card_id) t.card_id, t.id
FROM templates t
WHERE t.card_id = ANY($1::text[]) AND t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active
ORDER BY t.card_id, t.reference_image_id, t.id

-- name: lock_cards
-- Whoever changes what cards are compared by, and whoever marks them as compared: one waits for the other.
SELECT card_id FROM cards WHERE card_id = ANY($1::text[]) ORDER BY card_id COLLATE "C" FOR NO KEY UPDATE

-- name: forget_same_pictures
-- Pairs with a card that is not compared any more, or gone.
DELETE FROM same_pictures s
WHERE s.encoder_fingerprint = $1
  AND (SELECT count(*) FROM compared_cards k
       WHERE k.encoder_fingerprint = $1 AND k.card_id IN (s.first_card_id, s.second_card_id)) < 2

-- name: join_without_loops
-- Before the first ANALYZE of a gallery the planner takes its cards for few, and loops over all pairs of them.
SET LOCAL enable_nestloop = off

-- name: join_as_planned
SET LOCAL enable_nestloop = on

-- name: alike_of_one_name
-- Cards of one game and name whose official pictures are at least $1 alike to the encoder, each pair once, where one of
-- them was not compared yet.
WITH due AS MATERIALIZED (
    SELECT c.card_id, lower(c.name) AS name FROM cards c
    WHERE EXISTS (
        SELECT FROM templates t
        WHERE t.card_id = c.card_id AND t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active)
      AND NOT EXISTS (SELECT FROM compared_cards k WHERE k.card_id = c.card_id AND k.encoder_fingerprint = $2)
), official AS MATERIALIZED (
    SELECT c.card_id COLLATE "C" AS card_id, c.game, lower(c.name) AS name, due.card_id IS NOT NULL AS due,
           coalesce(t.encoded, t.embedding)::halfvec({dimension}) AS embedding
    FROM templates t
    JOIN cards c USING (card_id)
    LEFT JOIN due USING (card_id)
    WHERE t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active
      AND lower(c.name) IN (SELECT name FROM due)
)
SELECT a.card_id AS first_card_id, b.card_id AS second_card_id
FROM official a
JOIN official b ON b.name = a.name AND b.game IS NOT DISTINCT FROM a.game AND b.card_id > a.card_id
WHERE a.due OR b.due
GROUP BY a.card_id, b.card_id
HAVING max(-(a.embedding <#> b.embedding)) >= $1

-- name: add_same_pictures
INSERT INTO same_pictures (first_card_id, second_card_id, encoder_fingerprint)
SELECT first_card_id, second_card_id, $1 FROM unnest($2::text[], $3::text[]) AS new (first_card_id, second_card_id)
ON CONFLICT DO NOTHING

-- name: mark_compared_cards
INSERT INTO compared_cards (card_id, encoder_fingerprint, asked_from)
SELECT card_id, $1, asked_from FROM unnest($2::text[], $3::real[]) AS new (card_id, asked_from)
ON CONFLICT (card_id, encoder_fingerprint) DO UPDATE SET asked_from = excluded.asked_from

-- name: same_pictures
SELECT first_card_id, second_card_id FROM same_pictures WHERE encoder_fingerprint = $1
ORDER BY first_card_id COLLATE "C", second_card_id COLLATE "C"

-- name: unmark_cards
-- Parameters: card ids, and the encoder, NULL for all.
DELETE FROM compared_cards WHERE card_id = ANY($1::text[]) AND ($2::text IS NULL OR encoder_fingerprint = $2)
