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

-- name: drop_template_index
DROP INDEX CONCURRENTLY IF EXISTS templates_hnsw_{gallery_id}

-- name: analyze_templates
ANALYZE templates, cards
