-- name: all_galleries
SELECT g.encoder_fingerprint AS fingerprint, g.encoder_name, g.created_at,
       count(t.id) AS templates, count(t.id) FILTER (WHERE t.correction_id IS NOT NULL) AS learnt,
       (SELECT max(s.created_at) FROM scans s WHERE s.encoder_fingerprint = g.encoder_fingerprint) AS last_scan_at
FROM galleries g
LEFT JOIN templates t ON t.gallery_id = g.id
WHERE g.current
GROUP BY g.id
ORDER BY g.created_at, g.id

-- name: lock_galleries_of_encoder
-- Against writers that know of no keep_templates, as lock_gallery.
SELECT id FROM galleries WHERE encoder_fingerprint = $1 FOR UPDATE

-- name: delete_studies_of_galleries
DELETE FROM correction_studies WHERE gallery_id = ANY($1::int[])

-- name: delete_same_pictures_of_encoder
DELETE FROM same_pictures WHERE encoder_fingerprint = $1

-- name: delete_compared_cards_of_encoder
DELETE FROM compared_cards WHERE encoder_fingerprint = $1

-- name: delete_galleries
-- Their templates go with them, learnt ones too; the corrections and crops that these came from stay.
DELETE FROM galleries WHERE id = ANY($1::int[])
