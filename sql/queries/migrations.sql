-- name: create_schema_migrations
CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: has_schema_migrations
SELECT to_regclass('schema_migrations') IS NOT NULL

-- name: list_applied_migrations
SELECT version, name, sha256 FROM schema_migrations ORDER BY version

-- name: record_migration
INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)

-- name: has_answers
SELECT to_regclass('detections') IS NOT NULL

-- name: vacuum_answers
VACUUM (ANALYZE) scans, detections
