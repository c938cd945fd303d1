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

-- name: get_detection
SELECT * FROM detections WHERE id = $1

-- name: list_scans
-- Parameters: limit, then the fields of app/domain/scan_filter.py in their order; NULL is no limit. Each execution is
-- planned with its values (plan_cache_mode), so that what is not asked for costs nothing, not even the look at a row.
WITH said AS MATERIALIZED (
    -- What people said; the first that was learnt about a detection judges it. 2,000 words are soon gone through.
    -- What is disputed is told as in quality_disputed.
    SELECT c.scan_id, c.detection_id
    FROM corrections c
    LEFT JOIN detections d ON $21::text IS NOT NULL AND d.id = c.detection_id
    WHERE num_nonnulls($15::text, $16::text, $17::text, $18::text, $19::timestamptz, $20::bigint, $21::text) > 0
      AND ($15::text IS NULL OR c.card_id = $15)
      AND ($16::text IS NULL OR c.verdict = $16)
      AND ($17::text IS NULL OR c.status = $17)
      AND ($18::text IS NULL OR c.reason = $18)
      AND ($19::timestamptz IS NULL OR c.created_at >= $19)
      AND ($20::bigint IS NULL OR c.unknown_group = $20)
      AND ($21::text IS NULL OR (
          $21 <> 'disputed' AND d.id IS NOT NULL AND c.status = 'learned'
          AND NOT EXISTS (
              SELECT FROM corrections e
              WHERE e.detection_id = c.detection_id AND e.status = 'learned' AND e.sequence < c.sequence
          )
          AND ($21 = 'any' OR ($21 = 'right') = (
              CASE WHEN d.status <> 'unknown' THEN d.card_id END IS NOT DISTINCT FROM c.card_id
          ))
      ) OR (
          $21 = 'disputed' AND d.status = 'accepted' AND d.card_id IS DISTINCT FROM c.card_id
          AND (c.status = 'quarantined' OR (c.status = 'rejected' AND EXISTS (
              SELECT FROM correction_studies t
              WHERE t.correction_id = c.id AND t.findings ->> 'complaint' = c.reason
          )))
          AND NOT EXISTS (
              SELECT FROM corrections e WHERE e.detection_id = c.detection_id AND e.status = 'learned'
          )
      ))
),
page AS (
    SELECT s.id, s.created_at, s.width_px, s.height_px, s.sha256
    FROM scans s
    WHERE ($2::timestamptz IS NULL OR s.created_at >= $2)
      AND ($3::timestamptz IS NULL OR s.created_at < $3)
      AND ($4::text IS NULL OR s.encoder_name = $4)
      AND ($5::text IS NULL OR (s.timings_ms ->> $5)::float8 > $6::float8)
      AND (
          num_nonnulls($15::text, $16::text, $17::text, $18::text, $19::timestamptz, $20::bigint, $21::text) = 0
          OR s.id IN (SELECT said.scan_id FROM said)
      )
      AND (
          num_nonnulls($7::text, $8::text, $9::text, $10::text, $11::text, $12::boolean, $13::float8, $14::float8) = 0
          OR EXISTS (
              SELECT FROM detections d
              WHERE d.scan_id = s.id
                AND ($7::text IS NULL OR d.status = $7)
                AND ($8::text IS NULL OR d.set_id = $8)
                AND ($9::text IS NULL OR d.language = $9)
                AND ($10::text IS NULL OR d.card_id = $10)
                AND ($11::text IS NULL OR $11 = ANY(d.degraded))
                AND ($12::boolean IS NULL
                     OR coalesce(d.candidates -> 0 ->> 'template_source' = 'correction', false) = $12)
                AND (num_nonnulls($13::float8, $14::float8) = 0 OR d.status <> 'unknown')  -- sure of a name, that is
                AND ($13::float8 IS NULL OR d.confidence_printing >= $13)
                AND ($14::float8 IS NULL OR d.confidence_printing < $14 OR ($14 = 1 AND d.confidence_printing = 1))
                AND (
                    num_nonnulls($15::text, $16::text, $17::text, $18::text, $19::timestamptz, $20::bigint,
                                 $21::text) = 0
                    OR d.id IN (SELECT said.detection_id FROM said WHERE said.detection_id IS NOT NULL)
                )
          )
      )
    ORDER BY s.created_at DESC, s.id DESC
    LIMIT $1
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
