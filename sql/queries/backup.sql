-- name: holds_tables
SELECT to_regclass('cards') IS NOT NULL AND to_regclass('schema_migrations') IS NOT NULL

-- name: holds_something
-- Anything that people would miss.
SELECT EXISTS (SELECT FROM cards) OR EXISTS (SELECT FROM scans) OR EXISTS (SELECT FROM corrections)

-- name: count_cards
SELECT count(*) FROM cards

-- name: count_other_sessions
-- Of this product, in this database. A role that is no administrator sees its own sessions' names alone.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'binderlens%'
