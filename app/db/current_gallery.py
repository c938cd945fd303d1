"""Which gallery of an encoder is the current one, with its space."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from app.db.queries import Queries
from app.domain.space import Space
from app.domain.types import EncoderInfo, Vectors


@dataclass(frozen=True, slots=True)
class CurrentGallery:
    """A gallery as it was looked up; a move into another space makes another one.

    Attributes:
        gallery_id: Its row.
        fingerprint: Of encoder and space.
        space: What its templates have been moved into; None where they are as the encoder gave them.
    """

    gallery_id: int
    fingerprint: str
    space: Space | None

    def moved(self, vectors: Vectors) -> Vectors:
        """An encoder's vectors (n, dimension) as this gallery's templates can be compared with them."""
        return vectors if self.space is None else self.space.apply(vectors)


class GalleryLookup:
    """Looks up an encoder's gallery, and reads its space only when it is another one than last time.

    Attributes:
        last: What was found last; another process may have moved the gallery since.
    """

    def __init__(self, queries: Queries, encoder: EncoderInfo) -> None:
        self._queries = queries
        self._encoder = encoder
        self.last: CurrentGallery | None = None

    async def find_id(self, connection: asyncpg.Connection) -> int | None:
        """Id of the current gallery, None where nothing was imported with the encoder yet."""
        gallery_id: int | None = await connection.fetchval(
            self._queries["find_gallery"], self._encoder.fingerprint
        )
        return gallery_id

    async def find(self, connection: asyncpg.Connection) -> CurrentGallery | None:
        """The current gallery, None where nothing was imported with the encoder yet."""
        gallery_id = await self.find_id(connection)
        if self.last is None or self.last.gallery_id != gallery_id:
            row = await connection.fetchrow(
                self._queries["find_gallery_with_space"], self._encoder.fingerprint
            )
            self.last = None if row is None else _from_row(row)
        return self.last

    async def make(self, connection: asyncpg.Connection) -> CurrentGallery:
        """The current gallery, made empty where there is none."""
        found = await self.find(connection)
        if found is None:
            encoder = self._encoder
            await connection.execute(
                self._queries["add_gallery"],
                *(encoder.fingerprint, encoder.name, encoder.precision, encoder.dimension),
            )
            found = await self.find(connection)
            assert found is not None
        return found


def _from_row(row: asyncpg.Record) -> CurrentGallery:
    space = None if row["space"] is None else Space.from_bytes(row["space"], row["space_cards"])
    return CurrentGallery(row["id"], row["fingerprint"], space)
