"""The one statement that searches a gallery for all cards of a scan."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg
from pgvector import HalfVector

from app.db.queries import Queries
from app.domain.types import CardFilter, Vectors

EVERY_CARD = CardFilter()
#: A filter that leaves no more cards than this is answered exactly: with more, the index takes less time
#: (docs/experiments.md, experiment 37).
MOST_CARDS_EXACT = 6000
#: How many times as many templates as asked for the index has to bring where a filter leaves more cards.
FILTER_DEPTH = 8
#: Of what was learnt, the best template of so many cards: how alike a photo is to those of other cards says
#: what such a likeness is worth (``app.domain.learnt_likeness``), and that takes ten of them.
LEARNT_CARDS = 16


@dataclass(frozen=True, slots=True)
class TemplateSearch:
    """Searches one gallery.

    Attributes:
        queries: The statements.
        gallery_id: Whose templates are searched.
        dimension: Of the gallery's vectors.
        most_cards_exact: See ``MOST_CARDS_EXACT``.
    """

    queries: Queries
    gallery_id: int
    dimension: int
    most_cards_exact: int = MOST_CARDS_EXACT

    async def run(
        self,
        connection: asyncpg.Connection,
        vectors: Vectors,
        top_k: int,
        card_filter: CardFilter,
        *,
        learnt: bool = True,
    ) -> list[asyncpg.Record]:
        """Rows for ``hits_from_rows``, by query, then by falling similarity.

        Args:
            connection: Of the pool, whose session settings say how wide the index is searched.
            vectors: float32 (queries, dimension) in the gallery's space, unit length.
            top_k: Templates for each query.
            card_filter: Narrows the gallery before the ``top_k`` are taken.
            learnt: Whether templates of corrections count; they come beside the ``top_k``.
        """
        asked = [HalfVector(vector) for vector in vectors]
        statement = self.statement(card_filter, learnt=learnt)
        if card_filter == EVERY_CARD:
            return list(await connection.fetch(statement, asked, top_k))
        conditions = (card_filter.game, list(card_filter.set_ids) or None, card_filter.language)
        return list(await connection.fetch(statement, asked, top_k, *conditions))

    def statement(self, card_filter: CardFilter, *, learnt: bool = True) -> str:
        """What is asked of the server: with a filter, three parameters more."""
        numbers = {
            "gallery_id": self.gallery_id,
            "dimension": self.dimension,
            "learnt": int(learnt),
            "learnt_cards": LEARNT_CARDS,
        }
        if card_filter == EVERY_CARD:
            return self.queries.with_numbers("search_templates", **numbers)
        return self.queries.with_numbers(
            "search_filtered_templates", **numbers, most_cards=self.most_cards_exact, depth=FILTER_DEPTH
        )
