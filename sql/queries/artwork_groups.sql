-- name: grouped_cards
-- Every card that can be compared in this gallery.
SELECT c.card_id, c.artwork_group_id FROM cards c
WHERE EXISTS (
    SELECT FROM templates t
    WHERE t.card_id = c.card_id AND t.gallery_id = {gallery_id} AND t.source = 'official' AND t.active)
ORDER BY c.card_id COLLATE "C"

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
