-- name: template_index_state
-- No row where there is no index.
SELECT i.indisvalid AS valid,
       EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) AS building
FROM pg_index i
WHERE i.indexrelid = to_regclass('templates_hnsw_{gallery_id}')

-- name: build_template_index
-- Concurrently: neither searches nor learning wait for the build. An interrupted one leaves an invalid index, which
-- the next build drops. Inner product, because vectors of unit length rank by it as by cosine, at less work.
CREATE INDEX CONCURRENTLY templates_hnsw_{gallery_id} ON templates
USING hnsw ((embedding::halfvec({dimension})) halfvec_ip_ops)
WHERE gallery_id = {gallery_id}

-- name: build_template_index_at_once
-- Inside the transaction that fills the gallery: it has its index from the moment it is there.
CREATE INDEX templates_hnsw_{gallery_id} ON templates
USING hnsw ((embedding::halfvec({dimension})) halfvec_ip_ops)
WHERE gallery_id = {gallery_id}

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
