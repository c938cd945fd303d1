-- A search within a game or a language first asks whether that is few cards: not by reading all of them.
CREATE INDEX cards_game ON cards (game);
CREATE INDEX cards_language ON cards (language);
