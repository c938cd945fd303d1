-- name: references_without_features
SELECT r.id, b.media_type, b.data
FROM reference_images r
JOIN blobs b ON b.sha256 = r.blob_sha256
WHERE r.id > $1 AND r.features IS NULL
ORDER BY r.id
LIMIT $2

-- name: count_references_without_features
SELECT count(*) FROM reference_images WHERE features IS NULL

-- name: put_reference_features
-- References that have been removed meanwhile are passed over.
UPDATE reference_images r SET features = new.features
FROM unnest($1::bigint[], $2::bytea[]) AS new (id, features)
WHERE r.id = new.id

-- name: features_of_cards
SELECT card_id, features FROM reference_images
WHERE card_id = ANY($1::text[]) AND features IS NOT NULL
ORDER BY card_id, id

-- name: learnt_features_of_cards
-- Of crops that are templates now, in whichever gallery; the latest few of each card.
SELECT card_id, features FROM (
    SELECT card_id, features, row_number() OVER (PARTITION BY card_id ORDER BY sequence DESC) AS place
    FROM (
        SELECT DISTINCT ON (c.id) t.card_id, c.sequence, s.features
        FROM templates t
        JOIN galleries g ON g.id = t.gallery_id AND g.current
        JOIN corrections c ON c.id = t.correction_id
        JOIN correction_studies s ON s.correction_id = c.id AND s.gallery_id = g.id
        WHERE t.card_id = ANY($1::text[]) AND t.active AND s.features IS NOT NULL
        ORDER BY c.id
    ) AS crop
) AS learnt
WHERE place <= $2
ORDER BY card_id, place

-- name: pictures_of_cards
SELECT DISTINCT ON (r.card_id) r.card_id, b.media_type, b.data
FROM reference_images r
JOIN blobs b ON b.sha256 = r.blob_sha256
WHERE r.card_id = ANY($1::text[])
ORDER BY r.card_id, r.id

-- name: sample_reference_pictures
-- One picture of each artwork group: pictures that look the same would make a search's first answer a matter of
-- chance. In the order of their hashes, which is the same every time and has nothing to do with the cards.
WITH chosen AS (
    SELECT DISTINCT ON (c.artwork_group_id) r.blob_sha256
    FROM cards c
    JOIN reference_images r ON r.card_id = c.card_id
    ORDER BY c.artwork_group_id, r.id
)
SELECT b.sha256, b.media_type, b.data
FROM blobs b
WHERE b.sha256 IN (SELECT blob_sha256 FROM chosen ORDER BY blob_sha256 LIMIT $1)
ORDER BY b.sha256
