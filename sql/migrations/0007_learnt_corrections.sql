-- How many corrections were learnt about a card is asked with every scan that such a correction decides.
CREATE INDEX corrections_learnt ON corrections (card_id) WHERE status = 'learned';
