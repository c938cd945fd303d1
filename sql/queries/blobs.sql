-- name: put_blobs
-- A repeated picture is touched, not skipped: the row lock keeps it from being collected before it is referred to.
-- Sorted, so that two writers of the same pictures cannot wait for each other.
INSERT INTO blobs (sha256, media_type, data)
SELECT DISTINCT ON (sha256) sha256, media_type, data
FROM unnest($1::text[], $2::text[], $3::bytea[]) AS new (sha256, media_type, data)
ORDER BY sha256
ON CONFLICT (sha256) DO UPDATE SET used_at = now()

-- name: lock_blobs
-- First half of the collection: rows that a writer holds are about to be referred to, so they are passed over.
SELECT sha256 FROM blobs WHERE sha256 = ANY($1::text[]) FOR UPDATE SKIP LOCKED

-- name: delete_unreferenced_blobs
-- Second half, a statement of its own: its snapshot sees every reference made before the locks were taken.
DELETE FROM blobs b
WHERE b.sha256 = ANY($1::text[])
  AND NOT EXISTS (SELECT FROM scans s WHERE s.image_sha256 = b.sha256)
  AND NOT EXISTS (SELECT FROM detections d WHERE d.crop_sha256 = b.sha256)
  AND NOT EXISTS (SELECT FROM corrections c WHERE c.crop_sha256 = b.sha256)
  AND NOT EXISTS (SELECT FROM reference_images r WHERE r.blob_sha256 = b.sha256)

-- name: list_unreferenced_blobs
-- What a writer that failed left behind. Young ones may belong to a transaction that is still going on.
SELECT b.sha256 FROM blobs b
WHERE b.used_at < now() - interval '1 hour'
  AND NOT EXISTS (SELECT FROM scans s WHERE s.image_sha256 = b.sha256)
  AND NOT EXISTS (SELECT FROM detections d WHERE d.crop_sha256 = b.sha256)
  AND NOT EXISTS (SELECT FROM corrections c WHERE c.crop_sha256 = b.sha256)
  AND NOT EXISTS (SELECT FROM reference_images r WHERE r.blob_sha256 = b.sha256)
LIMIT $1
