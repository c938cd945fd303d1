-- name: find_correction_by_key
SELECT * FROM corrections WHERE idempotency_key = $1 AND key_id IS NOT DISTINCT FROM $2

-- name: lock_detection
-- Held until the correction is stored: the detection and its crop cannot be forgotten meanwhile.
SELECT scan_id, crop_sha256 FROM detections WHERE id = $1 FOR KEY SHARE

-- name: lock_scan
SELECT id FROM scans WHERE id = $1 FOR KEY SHARE

-- name: insert_correction
INSERT INTO corrections (id, verdict, scan_id, detection_id, quad_px, card_id, note, key_id, crop_sha256,
                         idempotency_key, body_sha256, answered_card_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, (SELECT card_id FROM detections WHERE id = $4))
ON CONFLICT (idempotency_key, key_id) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING *

-- name: get_correction
SELECT * FROM corrections WHERE id = $1

-- name: corrections_of_scan
SELECT * FROM corrections WHERE scan_id = $1 ORDER BY sequence

-- name: mark_correction_undone
UPDATE corrections SET status = 'undone', reason = 'taken back, with everything it changed', unknown_group = NULL,
       updated_at = now()
WHERE id = $1 AND status <> 'undone'

-- name: deactivate_templates_of_correction
UPDATE templates SET active = false WHERE correction_id = $1 AND active
