-- name: find_gallery
SELECT id FROM galleries WHERE encoder_fingerprint = $1 AND current

-- name: find_gallery_with_space
SELECT id, fingerprint, space, space_cards FROM galleries WHERE encoder_fingerprint = $1 AND current

-- name: add_gallery
INSERT INTO galleries (encoder_fingerprint, encoder_name, encoder_precision, dimension, fingerprint)
VALUES ($1, $2, $3, $4, $1)
ON CONFLICT DO NOTHING

-- name: search_templates
-- All queries of a scan at once. Gallery and dimension are literal, as the partial HNSW index is matched by them. What was
-- learnt from corrections is looked for beside the gallery's own templates, never in their place: photos of one camera are
-- more alike than a photo and a picture, and those of other cards would be all that is found. They are few, compared
-- exactly, the best one of each card; with {learnt} 0 none.
-- Parameters: vectors, templates for each.
WITH query AS MATERIALIZED (
    SELECT embedding, index - 1 AS query_index
    FROM unnest($1::halfvec[]) WITH ORDINALITY AS given (embedding, index)
), learnt AS MATERIALIZED (
    SELECT t.card_id, t.source, t.embedding::halfvec({dimension}) AS embedding
    FROM templates t
    WHERE t.correction_id IS NOT NULL AND t.gallery_id = {gallery_id} AND t.active AND {learnt} = 1
), found AS (
    SELECT query.query_index, near.*
    FROM query
    CROSS JOIN LATERAL (
        SELECT t.card_id, t.source, -(t.embedding::halfvec({dimension}) <#> query.embedding) AS similarity
        FROM templates t
        WHERE t.gallery_id = {gallery_id} AND t.active AND t.correction_id IS NULL
        ORDER BY t.embedding::halfvec({dimension}) <#> query.embedding
        LIMIT $2
    ) AS near
    UNION ALL
    SELECT query.query_index, near.*
    FROM query
    CROSS JOIN LATERAL (
        SELECT card_id, source, -min(learnt.embedding <#> query.embedding) AS similarity
        FROM learnt
        GROUP BY card_id, source
        ORDER BY similarity DESC
        LIMIT {learnt_cards}
    ) AS near
)
SELECT found.query_index, c.card_id, c.name, c.set_id, c.set_name, c.number, c.rarity, c.language, c.game,
       c.artwork_group_id, found.source, found.similarity
FROM found
JOIN cards c USING (card_id)
ORDER BY found.query_index, found.similarity DESC, c.card_id

-- name: search_filtered_templates
-- The same for a part of the gallery, so that no template of it is missed. The templates of few cards are read once
-- and compared exactly: the index would have to walk through all that lies nearer to find them. Among many cards the
-- index looks, deeper than it is asked for, as much of what it finds is filtered away; a query it gives too few is
-- answered exactly. All in one statement; those that are not needed are not run.
-- Parameters: vectors, templates for each, game, set ids, language; NULL filters fold away when planned.
WITH query AS MATERIALIZED (
    SELECT embedding, index - 1 AS query_index
    FROM unnest($1::halfvec[]) WITH ORDINALITY AS given (embedding, index)
), few_cards AS MATERIALIZED (
    SELECT c.card_id FROM cards c
    WHERE ($3::text IS NULL OR c.game = $3)
      AND ($4::text[] IS NULL OR c.set_id = ANY($4))
      AND ($5::text IS NULL OR c.language = $5)
    LIMIT {most_cards} + 1
), is_few AS MATERIALIZED (
    SELECT count(*) <= {most_cards} AS value FROM few_cards
), few AS MATERIALIZED (
    SELECT t.id, t.card_id, t.source, t.embedding::halfvec({dimension}) AS embedding
    FROM few_cards
    JOIN templates t USING (card_id)
    WHERE t.gallery_id = {gallery_id} AND t.active AND t.correction_id IS NULL AND (SELECT value FROM is_few)
), by_index AS MATERIALIZED (
    SELECT query.query_index, near.*
    FROM query
    CROSS JOIN LATERAL (
        SELECT t.id, t.card_id, t.source, -(t.embedding::halfvec({dimension}) <#> query.embedding) AS similarity
        FROM templates t
        JOIN cards c USING (card_id)
        WHERE t.gallery_id = {gallery_id}
          AND t.active
          AND t.correction_id IS NULL
          AND ($3::text IS NULL OR c.game = $3)
          AND ($4::text[] IS NULL OR c.set_id = ANY($4))
          AND ($5::text IS NULL OR c.language = $5)
        ORDER BY t.embedding::halfvec({dimension}) <#> query.embedding
        LIMIT {depth} * $2
    ) AS near
    WHERE NOT (SELECT value FROM is_few)
), learnt AS MATERIALIZED (
    SELECT t.card_id, t.source, t.embedding::halfvec({dimension}) AS embedding
    FROM templates t
    JOIN cards c USING (card_id)
    WHERE t.correction_id IS NOT NULL
      AND t.gallery_id = {gallery_id}
      AND t.active
      AND {learnt} = 1
      AND ($3::text IS NULL OR c.game = $3)
      AND ($4::text[] IS NULL OR c.set_id = ANY($4))
      AND ($5::text IS NULL OR c.language = $5)
), found AS (
    SELECT query.query_index, near.*
    FROM query
    CROSS JOIN LATERAL (
        SELECT few.card_id, few.source, -(few.embedding <#> query.embedding) AS similarity
        FROM few
        ORDER BY few.embedding <#> query.embedding
        LIMIT $2
    ) AS near
    UNION ALL
    SELECT query.query_index, near.*
    FROM query
    CROSS JOIN LATERAL (
        SELECT card_id, source, similarity FROM by_index
        WHERE by_index.query_index = query.query_index
        ORDER BY similarity DESC
        LIMIT $2
    ) AS near
    WHERE (SELECT count(*) FROM by_index WHERE by_index.query_index = query.query_index) >= $2
    UNION ALL
    SELECT query.query_index, near.*
    FROM query
    CROSS JOIN LATERAL (
        SELECT t.card_id, t.source, -(t.embedding::halfvec({dimension}) <#> query.embedding) AS similarity
        FROM templates t
        JOIN cards c USING (card_id)
        WHERE t.gallery_id = {gallery_id}
          AND t.active
          AND t.correction_id IS NULL
          AND ($3::text IS NULL OR c.game = $3)
          AND ($4::text[] IS NULL OR c.set_id = ANY($4))
          AND ($5::text IS NULL OR c.language = $5)
        ORDER BY (t.embedding::halfvec({dimension}) <#> query.embedding) + 0  -- no order that an index has
        LIMIT $2
    ) AS near
    WHERE NOT (SELECT value FROM is_few)
      AND (SELECT count(*) FROM by_index WHERE by_index.query_index = query.query_index) < $2
    UNION ALL
    SELECT query.query_index, near.*
    FROM query
    CROSS JOIN LATERAL (
        SELECT card_id, source, -min(learnt.embedding <#> query.embedding) AS similarity
        FROM learnt
        GROUP BY card_id, source
        ORDER BY similarity DESC
        LIMIT {learnt_cards}
    ) AS near
)
SELECT found.query_index, c.card_id, c.name, c.set_id, c.set_name, c.number, c.rarity, c.language, c.game,
       c.artwork_group_id, found.source, found.similarity
FROM found
JOIN cards c USING (card_id)
ORDER BY found.query_index, found.similarity DESC, c.card_id

-- name: any_template_of_encoder
SELECT EXISTS (SELECT FROM galleries g JOIN templates t ON t.gallery_id = g.id
               WHERE g.encoder_fingerprint = $1 AND g.current)

-- name: fingerprints_with_templates
SELECT g.encoder_fingerprint FROM galleries g
WHERE g.current AND EXISTS (SELECT FROM templates t WHERE t.gallery_id = g.id)
ORDER BY g.encoder_fingerprint

-- name: known_references
SELECT c.card_id, r.source_sha256, count(t.id) AS templates
FROM cards c
LEFT JOIN reference_images r ON r.card_id = c.card_id
LEFT JOIN templates t ON t.reference_image_id = r.id AND t.gallery_id = $2
WHERE c.card_id = ANY($1::text[])
GROUP BY c.card_id, r.id

-- name: insert_new_cards
-- A new card starts in an artwork group of its own.
WITH new AS (
    SELECT new.*, nextval(pg_get_serial_sequence('artwork_groups', 'id')) AS artwork_group_id
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[])
         AS new (card_id, name, set_id, set_name, number, rarity, language, game, words)
    WHERE NOT EXISTS (SELECT FROM cards c WHERE c.card_id = new.card_id)
), new_group AS (
    INSERT INTO artwork_groups (id) OVERRIDING SYSTEM VALUE SELECT artwork_group_id FROM new
)
INSERT INTO cards (card_id, artwork_group_id, name, set_id, set_name, number, rarity, language, game, search_words)
SELECT card_id, artwork_group_id, name, set_id, set_name, number, rarity, language, game,
       array_to_tsvector(string_to_array(words, ' '))
FROM new
ON CONFLICT (card_id) DO NOTHING

-- name: cards_to_compare_again
-- Of the cards given: those whose pictures will be compared with others after update_cards.
SELECT c.card_id FROM cards c
JOIN unnest($1::text[], $2::text[], $3::text[]) AS new (card_id, name, game) USING (card_id)
WHERE lower(c.name) <> lower(new.name) OR c.game IS DISTINCT FROM new.game

-- name: update_cards
UPDATE cards c
SET name = new.name, set_id = new.set_id, set_name = new.set_name, number = new.number, rarity = new.rarity,
    language = new.language, game = new.game, search_words = array_to_tsvector(string_to_array(new.words, ' ')),
    updated_at = now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[])
     AS new (card_id, name, set_id, set_name, number, rarity, language, game, words)
WHERE c.card_id = new.card_id
  AND (c.name, c.set_id, c.set_name, c.number, c.rarity, c.language, c.game, c.search_words)
      IS DISTINCT FROM (new.name, new.set_id, new.set_name, new.number, new.rarity, new.language, new.game,
                        array_to_tsvector(string_to_array(new.words, ' ')))

-- name: delete_other_references
-- Parameters: card ids, and pairs of card id and hash to keep. Templates go with them, learnt ones hang on the card.
DELETE FROM reference_images r
WHERE r.card_id = ANY($1::text[])
  AND NOT EXISTS (
      SELECT FROM unnest($2::text[], $3::text[]) AS kept (card_id, source_sha256)
      WHERE kept.card_id = r.card_id AND kept.source_sha256 = r.source_sha256)
RETURNING r.card_id, r.blob_sha256

-- name: put_references
-- Returns the picture each reference had before, where it had another.
WITH new AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY
        AS new (card_id, source_sha256, blob_sha256, position)
), replaced AS (
    SELECT r.blob_sha256 FROM reference_images r JOIN new USING (card_id, source_sha256)
    WHERE r.blob_sha256 <> new.blob_sha256
), stored AS (
    INSERT INTO reference_images (card_id, source_sha256, blob_sha256)
    SELECT card_id, source_sha256, blob_sha256 FROM new ORDER BY position
    ON CONFLICT (card_id, source_sha256) DO UPDATE
    SET blob_sha256 = excluded.blob_sha256,
        features = CASE WHEN reference_images.blob_sha256 = excluded.blob_sha256 THEN reference_images.features END
)
SELECT blob_sha256 FROM replaced

-- name: delete_templates_of_references
DELETE FROM templates t
USING reference_images r, unnest($2::text[], $3::text[]) AS given (card_id, source_sha256)
WHERE r.card_id = given.card_id AND r.source_sha256 = given.source_sha256
  AND t.reference_image_id = r.id AND t.gallery_id = $1

-- name: insert_templates
INSERT INTO templates (gallery_id, card_id, source, reference_image_id, view_index, embedding, encoded)
SELECT $1, r.card_id, new.source, r.id, new.view_index, new.embedding, new.encoded
FROM unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::halfvec[], $7::halfvec[])
     AS new (card_id, source_sha256, view_index, source, embedding, encoded)
JOIN reference_images r USING (card_id, source_sha256)

-- name: blobs_of_cards
SELECT DISTINCT blob_sha256 FROM reference_images WHERE card_id = ANY($1::text[])

-- name: delete_cards
DELETE FROM cards WHERE card_id = ANY($1::text[]) RETURNING card_id

-- name: get_card
SELECT card_id, name, set_id, set_name, number, rarity, language, game FROM cards WHERE card_id = $1

-- name: find_cards
-- Parameters: words, the same words as a prefix query, set id, the query as typed, limit. Whole words rank before
-- beginnings of words, a card's number before the same digits elsewhere, then the shortest names; numbers sort by
-- length first: 9, 10, 100.
SELECT card_id, name, set_id, set_name, number, rarity, language, game
FROM cards c
WHERE (cardinality($1::text[]) = 0 OR c.search_words @@ $2::text::tsquery)
  AND ($3::text IS NULL OR c.set_id = $3)
ORDER BY (SELECT count(*) FROM unnest(tsvector_to_array(c.search_words)) AS word WHERE word = ANY($1)) DESC,
         coalesce(ltrim(split_part(lower(c.number), '/', 1), '0') = ANY($1), false) DESC,
         lower(c.name) = lower($4) DESC,
         CASE WHEN cardinality($1) > 0 THEN length(c.name) END,
         c.game, c.set_id, length(c.number), c.number, c.card_id
LIMIT $5

-- name: group_members
SELECT artwork_group_id, card_id FROM cards
WHERE artwork_group_id = ANY($1::bigint[])
  AND ($2::text IS NULL OR game = $2)
  AND ($3::text[] IS NULL OR set_id = ANY($3))
  AND ($4::text IS NULL OR language = $4)
ORDER BY artwork_group_id, card_id

-- name: artwork_groups_of
SELECT card_id, artwork_group_id FROM cards WHERE card_id = ANY($1::text[])

-- name: count_references_to_embed
SELECT count(*) FROM reference_images r
WHERE (SELECT count(*) FROM templates t WHERE t.reference_image_id = r.id AND t.gallery_id = $1) < $2

-- name: references_to_embed
-- Page by page along the unique key. Parameters: gallery, templates wanted, the last key seen, limit.
SELECT r.card_id, r.source_sha256, b.media_type, b.data
FROM reference_images r
JOIN blobs b ON b.sha256 = r.blob_sha256
WHERE (r.card_id, r.source_sha256) > ($3::text, $4::text)
  AND (SELECT count(*) FROM templates t WHERE t.reference_image_id = r.id AND t.gallery_id = $1) < $2
ORDER BY r.card_id, r.source_sha256
LIMIT $5

-- name: card_image
SELECT b.media_type, b.data
FROM reference_images r
JOIN blobs b ON b.sha256 = r.blob_sha256
WHERE r.card_id = $1
ORDER BY r.id
LIMIT 1

-- name: gallery_counts
SELECT (SELECT count(*) FROM cards) AS cards,
       (SELECT count(DISTINCT card_id) FROM templates WHERE gallery_id = $1 AND active) AS cards_with_templates,
       (SELECT count(DISTINCT artwork_group_id) FROM cards) AS artwork_groups,
       (SELECT count(*) FROM reference_images) AS reference_images

-- name: templates_by_source
SELECT source, count(*) AS templates FROM templates WHERE gallery_id = $1 AND active GROUP BY source ORDER BY source

-- name: set_coverage
SELECT c.game, c.set_id, count(*) AS cards,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM templates t WHERE t.card_id = c.card_id AND t.gallery_id = $1 AND t.active
       )) AS cards_with_templates
FROM cards c
GROUP BY c.game, c.set_id
ORDER BY c.game NULLS FIRST, c.set_id NULLS FIRST
