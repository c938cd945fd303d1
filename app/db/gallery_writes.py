"""Storing cards with their reference pictures and templates: one batch, a handful of statements."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import numpy as np
from pgvector import HalfVector

from app.db.blobs import collect_blobs, put_blobs
from app.db.current_gallery import CurrentGallery
from app.db.picture_comparisons import forget_comparisons
from app.db.queries import Queries
from app.db.search_words import words_of_card
from app.domain.gallery_types import CardUpdate, ReferenceTemplates
from app.domain.types import Card, TemplateSource, Vectors

#: How far from 1 the length of a vector may be: well above what bf16 rounding does, well below any mistake.
_UNIT_TOLERANCE = 1e-2


def check_vectors(vectors: Vectors, dimension: int) -> None:
    """Raises ValueError unless ``vectors`` is (n, dimension), finite and of unit length."""
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise ValueError(f"vectors of shape {vectors.shape} do not fit an encoder of dimension {dimension}")
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.all(np.abs(lengths - 1.0) <= _UNIT_TOLERANCE):
        raise ValueError("vectors must be finite and of unit length")


def check_batch(batch: Sequence[CardUpdate], dimension: int) -> None:
    """Refuses what the statements below cannot store.

    Raises:
        ValueError: a card or a reference twice, a reference that is not to be kept, or vectors that do not
            fit their sources or the dimension.
    """
    card_ids = [update.card.card_id for update in batch]
    if len(set(card_ids)) != len(card_ids):
        raise ValueError("a card occurs twice in one batch")
    for update in batch:
        hashes = [reference.source_sha256 for reference in update.references]
        if len(set(hashes)) != len(hashes) or not set(hashes) <= set(update.keep_sha256):
            raise ValueError(f"{update.card.card_id}: a reference occurs twice or is missing in keep_sha256")
        for reference in update.references:
            check_reference(update.card.card_id, reference, dimension)


def check_reference(card_id: str, reference: ReferenceTemplates, dimension: int) -> None:
    """Raises ValueError where vectors do not fit sources or dimension, or a source is a correction."""
    check_vectors(reference.vectors, dimension)
    if len(reference.sources) != len(reference.vectors):
        raise ValueError(f"{card_id}: one source a vector is needed")
    if TemplateSource.CORRECTION in reference.sources:
        raise ValueError(f"{card_id}: a reference image brings no corrections")


async def put_card_rows(connection: asyncpg.Connection, queries: Queries, cards: Sequence[Card]) -> None:
    """Adds or updates the cards themselves, sorted, so that two imports cannot wait for each other."""
    ordered = sorted(cards, key=lambda card: card.card_id)
    columns = (
        [card.card_id for card in ordered],
        [card.name for card in ordered],
        [card.set_id for card in ordered],
        [card.set_name for card in ordered],
        [card.number for card in ordered],
        [card.rarity for card in ordered],
        [card.language for card in ordered],
        [card.game for card in ordered],
        [" ".join(words_of_card(card)) for card in ordered],
    )
    await connection.execute(queries["insert_new_cards"], *columns)
    card_ids, names, *_, games, _ = columns
    # All at once and in order, for what follows locks some of them at a time.
    await connection.fetch(queries["lock_cards"], card_ids)
    changed = await connection.fetch(queries["cards_to_compare_again"], card_ids, names, games)
    await forget_comparisons(connection, queries, [row["card_id"] for row in changed])
    await connection.execute(queries["update_cards"], *columns)


async def put_references(
    connection: asyncpg.Connection, queries: Queries, gallery: CurrentGallery, batch: Sequence[CardUpdate]
) -> None:
    """Drops reference images not to be kept, stores the given ones and replaces their templates."""
    ordered = sorted(batch, key=lambda update: update.card.card_id)
    kept = [(update.card.card_id, sha256) for update in ordered for sha256 in update.keep_sha256]
    dropped = await connection.fetch(
        queries["delete_other_references"],
        [update.card.card_id for update in ordered],
        [card_id for card_id, _ in kept],
        [sha256 for _, sha256 in kept],
    )
    given = [(update.card.card_id, reference) for update in ordered for reference in update.references]
    changed = {row["card_id"] for row in dropped} | {card_id for card_id, _ in given}
    await forget_comparisons(connection, queries, sorted(changed))
    keys = await put_blobs(connection, queries, [reference.image for _, reference in given])
    card_ids = [card_id for card_id, _ in given]
    hashes = [reference.source_sha256 for _, reference in given]
    replaced = await connection.fetch(queries["put_references"], card_ids, hashes, keys)
    await put_templates(connection, queries, gallery, given)
    await collect_blobs(connection, queries, [row["blob_sha256"] for row in (*dropped, *replaced)])


async def put_templates(
    connection: asyncpg.Connection,
    queries: Queries,
    gallery: CurrentGallery,
    given: Sequence[tuple[str, ReferenceTemplates]],
) -> None:
    """Replaces one gallery's templates of stored references, given with their card ids."""
    await connection.execute(
        queries["delete_templates_of_references"],
        gallery.gallery_id,
        [card_id for card_id, _ in given],
        [reference.source_sha256 for _, reference in given],
    )
    if not given:
        return
    views = [
        (card_id, reference.source_sha256, index, str(source))
        for card_id, reference in given
        for index, source in enumerate(reference.sources)
    ]
    vectors = np.concatenate([reference.vectors for _, reference in given])
    searched = [HalfVector(vector) for vector in gallery.moved(vectors)]
    # The encoder's own vectors are kept beside, where those that are searched are others.
    encoded = [None if gallery.space is None else HalfVector(vector) for vector in vectors]
    columns = map(list, zip(*views, strict=True))
    await connection.execute(queries["insert_templates"], gallery.gallery_id, *columns, searched, encoded)
