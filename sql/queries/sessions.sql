-- name: try_lock_session
SELECT pg_try_advisory_lock($1)

-- name: lock_transaction
SELECT pg_advisory_xact_lock($1)

-- name: lift_time_limits
-- A lock is not waited for without an end: whoever holds one for five minutes has been forgotten.
SET statement_timeout = 0; SET lock_timeout = 300000

-- name: export_snapshot
SELECT pg_export_snapshot()

-- name: take_snapshot
-- Before all else in its transaction.
SET TRANSACTION SNAPSHOT '{snapshot}'

-- name: reset_session
RESET ALL

-- name: server_versions
SELECT current_setting('server_version_num')::int AS server_version_num,
       current_setting('server_version') AS server_version,
       e.extversion AS vector_version,
       n.nspname AS vector_schema,
       (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS vector_available
FROM (VALUES (1)) AS always_one_row
LEFT JOIN pg_extension e ON e.extname = 'vector'
LEFT JOIN pg_namespace n ON n.oid = e.extnamespace

-- name: sign_of_life
SELECT 1
