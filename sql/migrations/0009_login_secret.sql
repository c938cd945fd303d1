-- What login cookies are sealed with, together with the hash of their key: one row, made by the first service that
-- starts. Shared by all replicas and kept over restarts; without the row the next start makes another, and every
-- login has ended. Dropped first where it is there: a backup from before it is restored over it, then migrated.

DROP TABLE IF EXISTS login_secret;

CREATE TABLE login_secret (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    secret   bytea NOT NULL CHECK (octet_length(secret) = 32)
);
