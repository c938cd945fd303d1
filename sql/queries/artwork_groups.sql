-- name: grouped_cards
-- Every card that can be compared in this gallery.
SELECT c.card_id, c.artwork_group_id FROM cards c
WHERE EXISTS (
    SELECT FROM templates t
    WHERE t.card_id = c.card_id AND t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active)
ORDER BY c.card_id COLLATE "C"

-- name: official_vectors
-- As the encoder gave them: in a gallery's space the same pictures are less alike.
SELECT DISTINCT ON (c.card_id COLLATE "C") c.card_id, c.game, coalesce(t.encoded, t.embedding) AS vector
FROM templates t
JOIN cards c USING (card_id)
WHERE t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active
ORDER BY c.card_id COLLATE "C", t.id

-- name: same_picture_pairs
-- Cards of one game and name whose official pictures are at least $1 alike to the encoder, each pair once: in a
-- gallery's space the same pictures are less alike.
WITH official AS MATERIALIZED (
    SELECT c.card_id COLLATE "C" AS card_id, c.game, lower(c.name) AS name,
           coalesce(t.encoded, t.embedding)::halfvec({dimension}) AS embedding
    FROM templates t
    JOIN cards c USING (card_id)
    WHERE t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active
)
SELECT a.card_id AS first_card_id, b.card_id AS second_card_id
FROM official a
JOIN official b ON b.name = a.name AND b.game IS NOT DISTINCT FROM a.game AND b.card_id > a.card_id
GROUP BY a.card_id, b.card_id
HAVING max(-(a.embedding <#> b.embedding)) >= $1

-- name: add_artwork_groups
INSERT INTO artwork_groups (created_at) SELECT now() FROM generate_series(1, $1::int) RETURNING id

-- name: move_cards_to_groups
UPDATE cards c SET artwork_group_id = new.artwork_group_id, updated_at = now()
FROM unnest($1::text[], $2::bigint[]) AS new (card_id, artwork_group_id)
WHERE c.card_id = new.card_id

-- name: delete_empty_artwork_groups
DELETE FROM artwork_groups g WHERE NOT EXISTS (SELECT FROM cards c WHERE c.artwork_group_id = g.id)

-- name: count_artwork_groups
SELECT count(*) FROM artwork_groups
