-- Two more things that figures take out of JSON for every scan and every judged answer: times by stage, and the card
-- that came first. They are taken out once, when the answer is stored.
-- Both at once: whoever reads one of them and then wants the other would wait for us as we for them.
LOCK TABLE scans, detections IN ACCESS EXCLUSIVE MODE;

ALTER TABLE scans
    ADD COLUMN decode_ms float8 GENERATED ALWAYS AS ((timings_ms ->> 'decode')::float8) STORED,
    ADD COLUMN detect_ms float8 GENERATED ALWAYS AS ((timings_ms ->> 'detect')::float8) STORED,
    ADD COLUMN embed_ms float8 GENERATED ALWAYS AS ((timings_ms ->> 'embed')::float8) STORED,
    ADD COLUMN search_ms float8 GENERATED ALWAYS AS ((timings_ms ->> 'search')::float8) STORED,
    ADD COLUMN verify_ms float8 GENERATED ALWAYS AS ((timings_ms ->> 'verify')::float8) STORED,
    ADD COLUMN total_ms float8 GENERATED ALWAYS AS ((timings_ms ->> 'total')::float8) STORED;

ALTER TABLE detections
    ADD COLUMN first_card_id text GENERATED ALWAYS AS (candidates #>> '{0,card,card_id}') STORED,
    ADD COLUMN first_group bigint GENERATED ALWAYS AS ((candidates #>> '{0,artwork_group_id}')::bigint) STORED,
    ADD COLUMN first_source text GENERATED ALWAYS AS (candidates #>> '{0,template_source}') STORED;
