-- Which cards show one picture is decided once for each card and kept, so that an import compares its new cards alone.
-- By encoder, since its similarities have a say: galleries of several encoders do not disturb each other. Galleries that
-- are there have nothing compared yet: their next import or re-embed compares all of it.
-- No foreign keys, and dropped first where they are there: a backup from before these tables is restored over them,
-- then migrated, and knows nothing that it would have to drop.

DROP TABLE IF EXISTS compared_cards, same_pictures;

CREATE TABLE compared_cards (
    card_id             text NOT NULL,
    encoder_fingerprint text NOT NULL,
    asked_from          real NOT NULL,  -- cards this alike and more, of those that come later, are compared with it
    PRIMARY KEY (card_id, encoder_fingerprint)
);

CREATE TABLE same_pictures (
    first_card_id       text NOT NULL,
    second_card_id      text NOT NULL,
    encoder_fingerprint text NOT NULL,
    PRIMARY KEY (first_card_id, second_card_id, encoder_fingerprint),
    CHECK (first_card_id COLLATE "C" < second_card_id COLLATE "C")
);
