-- name: lock_learning
-- One judges at a time, on however many replicas.
SELECT pg_advisory_xact_lock($1)

-- name: claim_correction
-- The next correction that the gallery has not studied. Held until its study is stored: others take the next one.
SELECT c.id, c.verdict, c.card_id, b.data, b.media_type
FROM corrections c
LEFT JOIN blobs b ON b.sha256 = c.crop_sha256
WHERE c.status <> 'undone'
  AND NOT EXISTS (SELECT FROM correction_studies s WHERE s.correction_id = c.id AND s.gallery_id = $1)
ORDER BY c.sequence
LIMIT 1
FOR UPDATE OF c SKIP LOCKED

-- name: claim_stale_correction
-- Likewise the next one that was studied before the gallery's pictures changed.
SELECT c.id, c.verdict, c.card_id, b.data, b.media_type
FROM correction_studies s
JOIN corrections c ON c.id = s.correction_id
LEFT JOIN blobs b ON b.sha256 = c.crop_sha256
WHERE s.gallery_id = $1 AND s.stale AND c.status <> 'undone'
ORDER BY c.sequence
LIMIT 1
FOR UPDATE OF s, c SKIP LOCKED

-- name: has_correction_to_study
SELECT EXISTS (SELECT FROM corrections c WHERE c.status <> 'undone' AND NOT EXISTS (
    SELECT FROM correction_studies s WHERE s.correction_id = c.id AND s.gallery_id = $1 AND NOT s.stale))

-- name: put_study
INSERT INTO correction_studies (correction_id, gallery_id, encoded, features, findings)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (correction_id, gallery_id) DO UPDATE
SET encoded = excluded.encoded, features = excluded.features, findings = excluded.findings, studied_at = now(),
    stale = false

-- name: study_again
-- What was studied before the newest of the gallery's own pictures came.
UPDATE correction_studies SET stale = true
WHERE gallery_id = $1 AND NOT stale
  AND studied_at < (SELECT max(t.created_at) FROM templates t WHERE t.gallery_id = $1 AND t.correction_id IS NULL)

-- name: study_all_again
UPDATE correction_studies SET stale = true WHERE NOT stale

-- name: forget_stale_studies
-- Of galleries that have moved on, and of corrections that are gone.
DELETE FROM correction_studies s
WHERE NOT EXISTS (SELECT FROM galleries g WHERE g.id = s.gallery_id)
   OR NOT EXISTS (SELECT FROM corrections c WHERE c.id = s.correction_id)

-- name: corrections_to_judge
-- All that have not been taken back and whose crop has been studied, up to the first one that has not: what comes later
-- is judged by what was learnt before it.
SELECT c.id, c.sequence, c.verdict, c.card_id, c.key_id, c.created_at, c.crop_sha256, c.status, c.reason,
       c.unknown_group, k.artwork_group_id, s.studied_at
FROM corrections c
JOIN correction_studies s ON s.correction_id = c.id AND s.gallery_id = $1
LEFT JOIN cards k ON k.card_id = c.card_id
WHERE c.status <> 'undone'
  AND c.sequence < coalesce((
      SELECT min(w.sequence) FROM corrections w
      WHERE w.status <> 'undone'
        AND NOT EXISTS (SELECT FROM correction_studies o WHERE o.correction_id = w.id AND o.gallery_id = $1)
  ), 9223372036854775807)
ORDER BY c.sequence

-- name: studies_of
SELECT correction_id, encoded, findings FROM correction_studies
WHERE gallery_id = $1 AND correction_id = ANY($2::uuid[])

-- name: put_decisions
-- Parameters: ids, statuses, reasons, unknown groups.
UPDATE corrections c
SET status = new.status, reason = new.reason, unknown_group = new.unknown_group, updated_at = now()
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS new (id, status, reason, unknown_group)
WHERE c.id = new.id
  AND c.status <> 'undone'
  AND (c.status, c.reason, c.unknown_group) IS DISTINCT FROM (new.status, new.reason, new.unknown_group)

-- name: learnt_templates
SELECT t.correction_id, t.active, c.status FROM templates t JOIN corrections c ON c.id = t.correction_id
WHERE t.gallery_id = $1

-- name: put_learnt_templates
-- Parameters: gallery, corrections, cards, vectors that are searched, the encoder's own or NULL. A card that was removed
-- meanwhile learns nothing.
INSERT INTO templates (gallery_id, card_id, source, correction_id, embedding, encoded)
SELECT $1, new.card_id, 'correction', new.correction_id, new.embedding, new.encoded
FROM unnest($2::uuid[], $3::text[], $4::halfvec[], $5::halfvec[]) AS new (correction_id, card_id, embedding, encoded)
WHERE EXISTS (SELECT FROM cards c WHERE c.card_id = new.card_id FOR KEY SHARE)
ON CONFLICT (gallery_id, correction_id) DO UPDATE SET active = true

-- name: set_learnt_templates_active
UPDATE templates SET active = $3 WHERE gallery_id = $1 AND correction_id = ANY($2::uuid[]) AND active <> $3

-- name: own_templates
-- How alike a card's own templates are to a crop, nothing learnt among them.
SELECT -(t.embedding::halfvec({dimension}) <#> query.embedding) AS similarity, query.index - 1 AS query_index
FROM unnest($1::halfvec[]) WITH ORDINALITY AS query (embedding, index)
CROSS JOIN templates t
WHERE t.gallery_id = {gallery_id} AND t.card_id = $2 AND t.active AND t.correction_id IS NULL

-- name: views_taken
-- Cards of other pictures of which a stored view is more alike to a crop than to all other views of its own picture.
-- Parameters: the crop, the artwork group it is said to be of, how many views to look at.
SELECT near.card_id, max(near.similarity - own.similarity) AS lead
FROM (
    SELECT t.id, t.card_id, c.artwork_group_id, t.embedding,
           -(t.embedding::halfvec({dimension}) <#> $1::halfvec) AS similarity
    FROM templates t
    JOIN cards c USING (card_id)
    WHERE t.gallery_id = {gallery_id} AND t.active AND t.correction_id IS NULL
      AND c.artwork_group_id IS DISTINCT FROM $2
    ORDER BY t.embedding::halfvec({dimension}) <#> $1::halfvec
    LIMIT $3
) AS near
CROSS JOIN LATERAL (
    SELECT max(-(o.embedding::halfvec({dimension}) <#> near.embedding::halfvec({dimension}))) AS similarity
    FROM templates o
    JOIN cards c USING (card_id)
    WHERE o.gallery_id = {gallery_id} AND o.active AND o.correction_id IS NULL AND o.id <> near.id
      AND c.artwork_group_id = near.artwork_group_id
) AS own
WHERE near.similarity > own.similarity
GROUP BY near.card_id
ORDER BY lead DESC, near.card_id

-- name: forget_confusion_pairs
DELETE FROM confusion_pairs

-- name: count_confusion_pairs
INSERT INTO confusion_pairs (answered_card_id, right_card_id, times)
SELECT answered_card_id, card_id, count(*) FROM corrections
WHERE status = 'learned' AND verdict = 'card' AND answered_card_id IS NOT NULL
GROUP BY answered_card_id, card_id

-- name: confusion_pairs_of
SELECT answered_card_id, right_card_id, times FROM confusion_pairs WHERE answered_card_id = ANY($1::text[])

-- name: count_corrections_with_templates
-- By card, of one gallery. A correction whose crop shows no more than one before it has none: one photo, saved anew,
-- is still one photo.
SELECT card_id, count(*) AS corrections FROM templates
WHERE gallery_id = $1 AND card_id = ANY($2::text[]) AND active AND correction_id IS NOT NULL
GROUP BY card_id
