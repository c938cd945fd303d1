"""Cards that show one picture are found, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.gallery_types import NOTHING_COMPARED, PictureToCompare
from app.inference.loading import load_encoder
from app.services.same_pictures import find_same_pictures
from app.settings import PROJECT_ROOT
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.vision.local_features import make_features

SEED = 7304


class Drawn:
    """A gallery of drawn cards, in the order of their ids, and their features."""

    def __init__(self, cards: list[InventedCard], games: dict[str, str]) -> None:
        self._cards = sorted(cards, key=lambda card: card.card.card_id)
        self._games = games
        self._pictures = {card.card.card_id: draw_card(card, 528) for card in self._cards}
        encoder = load_encoder(PROJECT_ROOT / "models" / "compact")
        self._vectors = encoder.encode_now(list(self._pictures.values()))

    async def pictures_to_compare(self) -> tuple[list[PictureToCompare], np.ndarray]:
        games = [(one, self._games.get(one, "invented")) for one in self._pictures]
        return [PictureToCompare(*one, number, None) for number, one in enumerate(games)], self._vectors

    async def features_of(self, card_ids: list[str]) -> dict[str, tuple[bytes, ...]]:
        return {one: (make_features(self._pictures[one]),) for one in card_ids}


@pytest.fixture(scope="module")
def cards() -> list[InventedCard]:
    return invent_catalogue(SEED, 90, reprint_share=0.3, foil_share=0.1, language_share=0.1)


async def test_most_printings_of_a_picture_are_found_and_never_two_pictures(cards) -> None:
    drawn = Drawn(cards, {})
    told: list[tuple[int, int]] = []
    comparison = await find_same_pictures(drawn, drawn, lambda done, total: told.append((done, total)))
    pairs = comparison.same
    assert told[-1] == (comparison.asked, comparison.asked)
    assert list(pairs) == sorted(pairs)
    assert len(comparison.asked_from) == len(cards)
    picture = {card.card.card_id: card.artwork_id for card in cards}
    assert all(picture[first] == picture[second] for first, second in pairs)
    assert all(first < second for first, second in pairs)
    true_pairs = sum(
        picture[first] == picture[second] for first in picture for second in picture if first < second
    )
    assert len(pairs) >= 0.5 * true_pairs > 10


async def test_cards_of_two_games_never_share_a_picture(cards) -> None:
    twins = [card for card in cards if card.artwork_id == cards[-1].artwork_id]
    assert len(twins) > 1
    games = {card.card.card_id: f"game {place}" for place, card in enumerate(twins)}
    drawn = Drawn(twins, games)
    assert (await find_same_pictures(drawn, drawn)).asked == 0


async def test_an_empty_gallery_has_no_pairs() -> None:
    class Nothing(Drawn):
        async def pictures_to_compare(self):
            return [], np.zeros((0, 256), np.float32)

    nothing = Nothing(invent_catalogue(SEED, 1)[:1], {})
    assert await find_same_pictures(nothing, nothing) == NOTHING_COMPARED
