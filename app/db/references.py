"""Reference pictures and their features in PostgreSQL, for verification."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from app.db.pool import Database
from app.domain.types import StoredImage

#: Crops of one card that verification compares with; their number is its time.
MOST_LEARNT = 3


class PostgresReferences:
    """Implements ``app.domain.ports.References``.

    Args:
        database: Where they lie. They are the same for every encoder.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = database.queries

    async def count_without_features(self) -> int:
        """How many reference pictures have no features yet."""
        async with self._database.transaction(limit_statements=False) as connection:
            return int(await connection.fetchval(self._queries["count_references_without_features"]))

    async def without_features(self, after: int, limit: int) -> list[tuple[int, StoredImage]]:
        """The next reference pictures without features, by number, beyond ``after``."""
        async with self._database.transaction(limit_statements=False) as connection:
            rows = await connection.fetch(self._queries["references_without_features"], after, limit)
        return [(row["id"], StoredImage(row["media_type"], row["data"])) for row in rows]

    async def put_features(self, batch: Sequence[tuple[int, bytes]]) -> None:
        """Stores the features of reference pictures, given with their numbers."""
        numbers, features = [number for number, _ in batch], [features for _, features in batch]
        async with self._database.transaction(limit_statements=False) as connection:
            await connection.execute(self._queries["put_reference_features"], numbers, features)

    async def features_of(self, card_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """Features of each card's reference pictures; cards without any are missing.

        Raises:
            SearchTimeout: the statement was cancelled.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._queries["features_of_cards"], list(card_ids))
        found: dict[str, tuple[bytes, ...]] = defaultdict(tuple)
        for row in rows:
            found[row["card_id"]] += (row["features"],)
        return dict(found)

    async def learnt_features_of(self, card_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """Features of crops that are templates of each card now, the latest ``MOST_LEARNT`` first.

        Raises:
            SearchTimeout: the statement was cancelled.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                self._queries["learnt_features_of_cards"], list(card_ids), MOST_LEARNT
            )
        found: dict[str, tuple[bytes, ...]] = defaultdict(tuple)
        for row in rows:
            found[row["card_id"]] += (row["features"],)
        return dict(found)

    async def pictures_of(self, card_ids: Sequence[str]) -> dict[str, StoredImage]:
        """The first reference picture of each card.

        Raises:
            SearchTimeout: the statement was cancelled.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._queries["pictures_of_cards"], list(card_ids))
        return {row["card_id"]: StoredImage(row["media_type"], row["data"]) for row in rows}

    async def sample(self, limit: int) -> list[tuple[str, StoredImage]]:
        """One reference picture of each artwork, with its SHA-256: the first ``limit`` in its order."""
        async with self._database.transaction(limit_statements=False) as connection:
            rows = await connection.fetch(self._queries["sample_reference_pictures"], limit)
        return [(row["sha256"], StoredImage(row["media_type"], row["data"])) for row in rows]
