-- name: offer_login_secret
INSERT INTO login_secret (secret) VALUES ($1) ON CONFLICT DO NOTHING

-- name: get_login_secret
SELECT secret FROM login_secret
