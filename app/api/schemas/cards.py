"""Cards on the wire."""

from __future__ import annotations

from app.api.schemas.base import Strict
from app.domain.types import Card


class CardModel(Strict):
    """One printing."""

    card_id: str
    name: str
    set_id: str | None
    set_name: str | None
    number: str | None
    rarity: str | None
    language: str | None
    game: str | None

    @classmethod
    def of(cls, card: Card) -> CardModel:
        """From the domain."""
        return cls(
            card_id=card.card_id,
            name=card.name,
            set_id=card.set_id,
            set_name=card.set_name,
            number=card.number,
            rarity=card.rarity,
            language=card.language,
            game=card.game,
        )


class CardListModel(Strict):
    """Cards, best match first."""

    cards: list[CardModel]
