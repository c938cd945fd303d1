-- Parameters of all of them: since, until, set, encoder's name; NULL is no limit.

-- name: quality_scans
-- Scans that show no card count, too, but not where only cards of a set are asked for.
SELECT (s.created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS scans
FROM scans s
WHERE ($1::timestamptz IS NULL OR s.created_at >= $1) AND ($2::timestamptz IS NULL OR s.created_at < $2)
  AND ($3::text IS NULL OR EXISTS (SELECT FROM detections d WHERE d.scan_id = s.id AND d.set_id = $3))
  AND ($4::text IS NULL OR s.encoder_name = $4)
GROUP BY day
ORDER BY day

-- name: quality_cards
-- What was answered, for days, sets and languages at once: to count a month's cards twice takes nearly twice as long.
-- A set may have had several names.
SELECT s.day, d.status, d.set_id, d.set_name, d.language, count(*) AS cards
FROM (
    SELECT id, (created_at AT TIME ZONE 'UTC')::date AS day FROM scans
    WHERE ($1::timestamptz IS NULL OR created_at >= $1) AND ($2::timestamptz IS NULL OR created_at < $2)
      AND ($4::text IS NULL OR encoder_name = $4)
    OFFSET 0
) AS s
JOIN detections d ON d.scan_id = s.id
WHERE $3::text IS NULL OR d.set_id = $3
GROUP BY s.day, d.status, d.set_id, d.set_name, d.language

-- name: quality_judged
-- Answers that people judged, each crop once, the latest first. Whether a template of the very same picture may have
-- had its say, in the search or in verification: one was learnt from a scan of the same bytes, or the crop is much like
-- what had been learnt about the cards in question, wherever it lay in its picture, or at the same place of it.
-- Parameters beside the usual four: how far corners of one place may lie apart, as a share of width and height, and
-- the similarity from which on a place is looked at.
WITH learnt_photos AS MATERIALIZED (
    SELECT os.sha256, min(o.created_at) AS learnt_at
    FROM corrections o JOIN scans os ON os.id = o.scan_id
    WHERE o.status IN ('learned', 'undone') AND o.verdict = 'card'
    GROUP BY os.sha256
),
judged AS MATERIALIZED (
    SELECT c.id, c.sequence, c.verdict, c.card_id AS right_card_id, d.id AS detection_id, d.scan_id, d.status,
           d.confidence_card, d.confidence_printing, d.card_id, d.quad_px, s.sha256, s.created_at, s.width_px, s.height_px,
           d.first_card_id, d.first_source AS source, d.first_group AS answered_group,
           study.findings -> 'alone' AS alone, study.encoded, study.gallery_id
    FROM corrections c
    JOIN detections d ON d.id = c.detection_id
    JOIN scans s ON s.id = d.scan_id
    LEFT JOIN LATERAL (
        -- That of the encoder that answered: another one may see the crop with other eyes.
        SELECT t.findings, t.encoded, t.gallery_id
        FROM correction_studies t
        LEFT JOIN galleries g ON g.id = t.gallery_id
        WHERE t.correction_id = c.id
        ORDER BY coalesce(g.encoder_fingerprint = s.encoder_fingerprint, false) DESC, t.studied_at DESC
        LIMIT 1
    ) AS study ON true
    WHERE c.status = 'learned'
      AND NOT EXISTS (
          SELECT FROM corrections e
          WHERE e.detection_id = c.detection_id AND e.status = 'learned' AND e.sequence < c.sequence
      )
      AND ($1::timestamptz IS NULL OR s.created_at >= $1) AND ($2::timestamptz IS NULL OR s.created_at < $2)
      AND ($3::text IS NULL OR d.set_id = $3) AND ($4::text IS NULL OR s.encoder_name = $4)
),
in_question AS (
    SELECT id, right_card_id AS card_id FROM judged
    UNION ALL
    SELECT id, first_card_id FROM judged WHERE first_card_id IS DISTINCT FROM right_card_id
),
nearest AS (
    -- The place is unknown where the scan has been forgotten: it may have been the same, then. As one join of all:
    -- to ask for each answer alone took three times as long.
    SELECT near.id, max(near.similarity) AS similarity,
           max(near.similarity) FILTER (WHERE near.apart IS NULL OR near.apart <= $5) AS in_place
    FROM (
        SELECT j.id, -(coalesce(t.encoded, t.embedding) <#> j.encoded) AS similarity,
               greatest(abs(q.px[1] / os.width_px - j.quad_px[1] / j.width_px),
                        abs(q.px[2] / os.height_px - j.quad_px[2] / j.height_px),
                        abs(q.px[5] / os.width_px - j.quad_px[5] / j.width_px),
                        abs(q.px[6] / os.height_px - j.quad_px[6] / j.height_px)) AS apart
        FROM in_question i
        JOIN judged j ON j.id = i.id
        JOIN templates t ON t.card_id = i.card_id AND t.gallery_id = j.gallery_id AND t.correction_id IS NOT NULL
        -- When it was learnt the correction tells: in another encoder's gallery all templates are new.
        JOIN corrections o ON o.id = t.correction_id AND o.created_at < j.created_at
        LEFT JOIN detections od ON od.id = o.detection_id
        LEFT JOIN scans os ON os.id = o.scan_id
        CROSS JOIN LATERAL (SELECT coalesce(od.quad_px, o.quad_px) AS px) AS q
    ) AS near
    WHERE near.similarity >= $6
    GROUP BY near.id
)
SELECT j.detection_id, j.scan_id, j.verdict, j.right_card_id, truth.artwork_group_id AS right_group, j.status,
       j.confidence_card, j.confidence_printing, coalesce(j.card_id, j.first_card_id) AS answered_card_id, j.answered_group, j.source,
       j.alone, decisive.correction_id AS learnt_from, coalesce(photo.learnt_at < j.created_at, false) AS picture_was_learnt,
       nearest.similarity AS learnt_similarity, nearest.in_place AS learnt_similarity_in_place
FROM judged j
LEFT JOIN learnt_photos photo ON photo.sha256 = j.sha256
LEFT JOIN cards truth ON truth.card_id = j.right_card_id
LEFT JOIN LATERAL (
    -- Answers say that a learnt template decided, not which: of the card's that were there, the one most like the crop.
    SELECT t.correction_id FROM templates t JOIN corrections o ON o.id = t.correction_id
    WHERE j.source = 'correction' AND t.card_id = j.first_card_id AND t.gallery_id = j.gallery_id
      AND o.created_at < j.created_at
    ORDER BY coalesce(t.encoded, t.embedding) <#> j.encoded
    LIMIT 1
) AS decisive ON true
LEFT JOIN nearest ON nearest.id = j.id
ORDER BY j.sequence DESC

-- name: quality_disputed
-- Accepted answers that somebody contradicts, where nothing has proved it: the word waits in quarantine, or its crop is
-- too poor to learn from. An answer that a learnt word judges is not in dispute.
SELECT d.scan_id, d.id AS detection_id
FROM corrections c
JOIN detections d ON d.id = c.detection_id
JOIN scans s ON s.id = d.scan_id
WHERE d.status = 'accepted' AND d.card_id IS DISTINCT FROM c.card_id
  AND (c.status = 'quarantined' OR (c.status = 'rejected' AND EXISTS (
      SELECT FROM correction_studies t WHERE t.correction_id = c.id AND t.findings ->> 'complaint' = c.reason
  )))
  AND NOT EXISTS (SELECT FROM corrections e WHERE e.detection_id = c.detection_id AND e.status = 'learned')
  AND ($1::timestamptz IS NULL OR s.created_at >= $1) AND ($2::timestamptz IS NULL OR s.created_at < $2)
  AND ($3::text IS NULL OR d.set_id = $3) AND ($4::text IS NULL OR s.encoder_name = $4)
GROUP BY d.id
ORDER BY max(c.sequence) DESC

-- name: quality_confused
SELECT p.times, a.card_id AS answered_card_id, a.name AS answered_name, a.set_id AS answered_set_id,
       a.set_name AS answered_set_name, a.number AS answered_number, r.card_id AS right_card_id, r.name AS right_name,
       r.set_id AS right_set_id, r.set_name AS right_set_name, r.number AS right_number
FROM confusion_pairs p
JOIN cards a ON a.card_id = p.answered_card_id
JOIN cards r ON r.card_id = p.right_card_id
WHERE p.answered_card_id <> p.right_card_id AND ($1::text IS NULL OR $1 IN (a.set_id, r.set_id))
ORDER BY p.times DESC, a.card_id, r.card_id
LIMIT 20

-- name: quality_corrections
SELECT c.status, coalesce(c.reason, '') AS reason, count(*) AS corrections
FROM corrections c
WHERE ($1::timestamptz IS NULL OR c.created_at >= $1) AND ($2::timestamptz IS NULL OR c.created_at < $2)
GROUP BY c.status, c.reason
ORDER BY corrections DESC, c.status, reason

-- name: quality_learnt_templates
-- One crop is a template in the gallery of each encoder.
SELECT count(DISTINCT t.correction_id) FROM templates t JOIN galleries g ON g.id = t.gallery_id
WHERE g.current AND t.correction_id IS NOT NULL AND t.active AND ($1::text IS NULL OR g.encoder_name = $1)

-- name: quality_learnt
-- Of these corrections those whose templates are searched now.
SELECT DISTINCT ON (c.id) c.id AS correction_id, c.scan_id, c.detection_id, c.created_at AS learnt_at,
       k.card_id, k.name, k.set_id, k.set_name, k.number
FROM templates t
JOIN galleries g ON g.id = t.gallery_id
JOIN corrections c ON c.id = t.correction_id
JOIN cards k ON k.card_id = t.card_id
WHERE g.current AND t.active AND t.correction_id = ANY($1::uuid[])

-- name: quality_unknown_groups
SELECT c.unknown_group AS number, count(*) AS seen, max(c.created_at) AS last_seen,
       (array_agg(c.detection_id ORDER BY c.sequence DESC) FILTER (WHERE c.detection_id IS NOT NULL))[1:6]
           AS detection_ids
FROM corrections c
WHERE c.unknown_group IS NOT NULL AND c.status = 'learned'
  AND ($1::timestamptz IS NULL OR c.created_at >= $1) AND ($2::timestamptz IS NULL OR c.created_at < $2)
GROUP BY c.unknown_group
ORDER BY seen DESC, number
LIMIT 30

-- name: quality_stages
-- The stages of app/domain/scan_filter.py by name: to take the numbers apart row by row takes three times as long.
SELECT by_stage.stage, by_stage.quantiles[1] AS p50_ms, by_stage.quantiles[2] AS p95_ms
FROM (
    SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.decode_ms) AS "decode",
           percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.detect_ms) AS "detect",
           percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.embed_ms) AS "embed",
           percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.search_ms) AS "search",
           percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.verify_ms) AS "verify",
           percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY s.total_ms) AS "total"
    FROM scans s
    WHERE ($1::timestamptz IS NULL OR s.created_at >= $1) AND ($2::timestamptz IS NULL OR s.created_at < $2)
      AND ($3::text IS NULL OR s.encoder_name = $3)
) AS found
CROSS JOIN LATERAL (
    VALUES ('decode', found."decode"), ('detect', found."detect"), ('embed', found."embed"), ('search', found."search"), ('verify', found."verify"), ('total', found."total")
) AS by_stage (stage, quantiles)
WHERE by_stage.quantiles IS NOT NULL
ORDER BY by_stage.stage

-- name: quality_degraded
SELECT note, count(*) AS cards
FROM scans s
JOIN detections d ON d.scan_id = s.id
CROSS JOIN LATERAL unnest(d.degraded) AS note
WHERE cardinality(d.degraded) > 0
  AND ($1::timestamptz IS NULL OR s.created_at >= $1) AND ($2::timestamptz IS NULL OR s.created_at < $2)
  AND ($3::text IS NULL OR d.set_id = $3) AND ($4::text IS NULL OR s.encoder_name = $4)
GROUP BY note
ORDER BY cards DESC, note

-- name: quality_review
-- Detections that nobody has said anything about: of pairs that keep being confused first, then where the answer hangs
-- in the balance, then strangers that are well seen. Of one card two at most: more of the same would teach little.
-- Candidates are looked into for the few that are shown alone: each look unpacks all of them.
WITH pairs AS MATERIALIZED (
    SELECT answered_card_id, max(times) AS times FROM confusion_pairs
    WHERE right_card_id <> answered_card_id
    GROUP BY answered_card_id
),
waiting AS (
    SELECT d.id AS detection_id, d.scan_id, d.status, d.confidence_printing, d.sharpness,
           coalesce(pair.times, 0) AS confused_times,
           row_number() OVER (PARTITION BY coalesce(d.card_id, d.first_card_id, d.id::text)
                              ORDER BY (d.status = 'review') DESC, abs(d.confidence_printing - 0.5), d.id) AS place
    FROM (
        SELECT s.id FROM scans s
        WHERE ($1::timestamptz IS NULL OR s.created_at >= $1) AND ($2::timestamptz IS NULL OR s.created_at < $2)
          AND ($4::text IS NULL OR s.encoder_name = $4)
        ORDER BY s.created_at DESC
        LIMIT 500
    ) AS recent
    JOIN detections d ON d.scan_id = recent.id
    LEFT JOIN pairs AS pair ON pair.answered_card_id = d.card_id
    WHERE ($3::text IS NULL OR d.set_id = $3)
      AND (d.status <> 'accepted' OR pair.times > 1)
      AND NOT EXISTS (SELECT FROM corrections c WHERE c.detection_id = d.id AND c.status <> 'undone')
),
chosen AS MATERIALIZED (
    SELECT * FROM waiting
    WHERE place <= 2
    ORDER BY confused_times DESC, (status = 'review') DESC, abs(confidence_printing - 0.5), sharpness DESC, detection_id
    LIMIT 12
)
SELECT w.detection_id, w.scan_id, w.status, w.confidence_printing, d.candidates -> 0 -> 'card' AS first, w.confused_times
FROM chosen w
JOIN detections d ON d.id = w.detection_id
ORDER BY w.confused_times DESC, (w.status = 'review') DESC, abs(w.confidence_printing - 0.5), w.sharpness DESC, w.detection_id

-- name: quality_encoders
SELECT DISTINCT encoder_name FROM scans ORDER BY encoder_name
