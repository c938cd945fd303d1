-- name: template_index_state
-- No row where there is no index. As wanted: built by the statements below as they are now.
SELECT i.indisvalid AS valid,
       coalesce(c.reloptions @> ARRAY['m=32', 'ef_construction=320'], false)
           AND pg_get_expr(i.indpred, i.indrelid) LIKE '%correction_id IS NULL%' AS as_wanted,
       EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) AS building
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indexrelid = to_regclass('templates_hnsw_{gallery_id}')

-- name: count_templates
SELECT count(*) FROM templates WHERE gallery_id = $1

-- name: set_build_memory
-- Parameter: for instance '300MB'. Until the session ends.
SELECT set_config('maintenance_work_mem', $1, false)

-- name: build_template_index
-- Concurrently: neither searches nor learning wait for the build. An interrupted one leaves an invalid index, which
-- the next build drops. What was learnt is searched apart. Inner product, because vectors of unit length rank by it
-- as by cosine, at less work. More links and a wider search than the extension's own 16 and 64: docs/experiments.md,
-- experiments 37 and 61.
CREATE INDEX CONCURRENTLY templates_hnsw_{gallery_id} ON templates
USING hnsw ((embedding::halfvec({dimension})) halfvec_ip_ops) WITH (m = 32, ef_construction = 320)
WHERE gallery_id = {gallery_id} AND correction_id IS NULL

-- name: build_template_index_at_once
-- Inside the transaction that fills the gallery: it has its index from the moment it is there.
CREATE INDEX templates_hnsw_{gallery_id} ON templates
USING hnsw ((embedding::halfvec({dimension})) halfvec_ip_ops) WITH (m = 32, ef_construction = 320)
WHERE gallery_id = {gallery_id} AND correction_id IS NULL

-- name: galleries_of_orphaned_indexes
-- Ids of galleries that are gone while their index is still there.
SELECT index.gallery_id
FROM (SELECT substring(c.relname FROM '^templates_hnsw_(\d+)$')::int AS gallery_id
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = 'templates'::regclass) AS index
WHERE index.gallery_id IS NOT NULL AND NOT EXISTS (SELECT FROM galleries g WHERE g.id = index.gallery_id)

-- name: drop_template_index
DROP INDEX CONCURRENTLY IF EXISTS templates_hnsw_{gallery_id}

-- name: analyze_templates
ANALYZE templates, cards
