-- name: insert_scan
INSERT INTO scans (id, sha256, width_px, height_px, image_sha256, timings_ms, encoder_fingerprint, encoder_name,
                   encoder_precision, encoder_dimension, key_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, now()))

-- name: insert_detection
INSERT INTO detections (id, scan_id, position, quad_px, detection_score, rotation, grid_row, grid_column, status,
                        card_id, card, confidence_card, confidence_printing, candidates, ambiguous_with,
                        sharpness, glare, height_px, advice, degraded, crop_sha256)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)

-- name: get_scan
SELECT * FROM scans WHERE id = $1

-- name: get_detections
SELECT * FROM detections WHERE scan_id = $1 ORDER BY position

-- name: list_scans
-- Parameters: before, status, limit.
WITH page AS (
    SELECT s.id, s.created_at, s.width_px, s.height_px, s.sha256
    FROM scans s
    WHERE ($1::timestamptz IS NULL OR s.created_at < $1)
      AND ($2::text IS NULL OR EXISTS (SELECT FROM detections d WHERE d.scan_id = s.id AND d.status = $2))
    ORDER BY s.created_at DESC, s.id DESC
    LIMIT $3
)
SELECT page.id AS scan_id, page.created_at, page.width_px, page.height_px, page.sha256, found.*
FROM page
CROSS JOIN LATERAL (
    SELECT count(*) AS cards,
           count(*) FILTER (WHERE d.status = 'accepted') AS accepted,
           count(*) FILTER (WHERE d.status = 'review') AS review,
           count(*) FILTER (WHERE d.status = 'unknown') AS unknown
    FROM detections d
    WHERE d.scan_id = page.id
) AS found
ORDER BY page.created_at DESC, page.id DESC

-- name: scan_image
SELECT b.media_type, b.data FROM scans s JOIN blobs b ON b.sha256 = s.image_sha256 WHERE s.id = $1

-- name: detection_image
SELECT b.media_type, b.data FROM detections d JOIN blobs b ON b.sha256 = d.crop_sha256 WHERE d.id = $1

-- name: blobs_of_scans
SELECT image_sha256 AS sha256 FROM scans WHERE id = ANY($1::uuid[])
UNION
SELECT crop_sha256 FROM detections WHERE scan_id = ANY($1::uuid[])

-- name: delete_scans
DELETE FROM scans WHERE id = ANY($1::uuid[]) RETURNING id

-- name: lock_expired_scans
-- Parameters: days, limit. Another replica's purge takes others.
SELECT id FROM scans WHERE created_at < now() - make_interval(days => $1)
ORDER BY created_at
LIMIT $2
FOR UPDATE SKIP LOCKED

-- name: find_scan_idempotency
SELECT body_sha256, scan_id FROM scan_idempotency WHERE key = $1 AND key_id IS NOT DISTINCT FROM $2

-- name: insert_scan_idempotency
-- No row where the key stands for another scan.
INSERT INTO scan_idempotency (key, key_id, body_sha256, scan_id) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING scan_id
