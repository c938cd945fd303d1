"""Which cards have been compared with all others, and which of them show one picture: kept for each encoder.

A card loses its mark in the transaction that changes what it is compared by, so that whatever stops an
import, the next one finds the card not compared. Pairs with such a card go when groups are next made.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import numpy as np

from app.db.queries import Queries
from app.domain.gallery_types import PictureComparison, PictureToCompare
from app.domain.types import EncoderInfo, Vectors

#: Official pictures at least this alike, under one name, count as one picture.
ARTWORK_SIMILARITY = 0.9
#: Vectors that come from the server at once.
_BATCH = 1000


async def read_pictures(
    connection: asyncpg.Connection, queries: Queries, gallery_id: int, encoder: EncoderInfo
) -> tuple[list[PictureToCompare], Vectors]:
    """Every card of the gallery that can be compared, by card id, with one vector each.

    Nothing is read where every one of them has been compared. Must run inside a transaction.

    Returns:
        The cards, and their vectors as the encoder gave them, float32 (cards, dimension).
    """
    cards: list[PictureToCompare] = []
    blocks = [np.zeros((0, encoder.dimension), np.float32)]
    due = queries.with_numbers("any_card_to_compare", gallery_id=gallery_id)
    if await connection.fetchval(due, encoder.fingerprint):
        query = queries.with_numbers("pictures_to_compare", gallery_id=gallery_id)
        cursor = await connection.cursor(query, encoder.fingerprint)
        while rows := await cursor.fetch(_BATCH):
            cards.extend(
                PictureToCompare(row["card_id"], row["game"], row["template_id"], row["asked_from"])
                for row in rows
            )
            blocks.append(np.stack([row["vector"].to_numpy() for row in rows]).astype(np.float32))
    return cards, np.concatenate(blocks)


async def forget_comparisons(
    connection: asyncpg.Connection,
    queries: Queries,
    card_ids: Sequence[str],
    encoder_fingerprint: str | None = None,
) -> None:
    """The cards are to be compared again, by one encoder or, without its fingerprint, by all of them.

    To be called in the transaction that changes what they are compared by: it locks the cards, so that
    nobody marks them as compared before it ends.
    """
    if not card_ids:
        return
    await connection.fetch(queries["lock_cards"], list(card_ids))
    await connection.execute(queries["unmark_cards"], list(card_ids), encoder_fingerprint)


async def keep_comparison(
    connection: asyncpg.Connection,
    queries: Queries,
    gallery_id: int,
    encoder: EncoderInfo,
    comparison: PictureComparison,
) -> list[tuple[str, str]]:
    """Adds what a comparison found to what is kept, and what cards of one name show to the encoder alone.

    What was found about cards whose picture changed or went meanwhile counts nothing, and these are not
    marked as compared. Must run inside a transaction.

    Returns:
        All pairs that show one picture, the earlier card first.
    """
    fingerprint, numbers = encoder.fingerprint, {"gallery_id": gallery_id}
    await connection.fetch(queries["lock_cards"], list(comparison.templates))
    first_templates = queries.with_numbers("first_official_templates", **numbers)
    rows = await connection.fetch(first_templates, list(comparison.templates))
    as_seen = {row["card_id"] for row in rows if comparison.templates[row["card_id"]] == row["id"]}
    await connection.execute(queries["forget_same_pictures"], fingerprint)
    one_name = queries.with_numbers("alike_of_one_name", dimension=encoder.dimension, **numbers)
    await connection.execute(queries["join_without_loops"])
    found = set(map(tuple, await connection.fetch(one_name, ARTWORK_SIMILARITY, fingerprint)))
    await connection.execute(queries["join_as_planned"])
    found.update(pair for pair in comparison.same if as_seen.issuperset(pair))
    pairs = sorted(found)
    await connection.execute(
        queries["add_same_pictures"], fingerprint, [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    )
    marks = [(card_id, value) for card_id, value in comparison.asked_from.items() if card_id in as_seen]
    await connection.execute(
        queries["mark_compared_cards"], fingerprint, [mark[0] for mark in marks], [mark[1] for mark in marks]
    )
    return [tuple(row) for row in await connection.fetch(queries["same_pictures"], fingerprint)]
