"""The galleries of all encoders in one database: which there are, and how one goes."""

from __future__ import annotations

from app.db.gallery_space import have_templates_alone
from app.db.pool import Database
from app.db.template_index import drop_orphaned_indexes, lock_index_builds
from app.domain.gallery_types import EncoderGallery


async def list_galleries(database: Database) -> list[EncoderGallery]:
    """Every encoder's gallery, the oldest first.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    async with database.maintenance() as connection:
        rows = await connection.fetch(database.queries["all_galleries"])
    return [EncoderGallery(**row) for row in rows]


async def drop_gallery(database: Database, fingerprint: str) -> None:
    """Removes one encoder's gallery with all that was found out by it: all of it or nothing.

    Cards, reference pictures, scans, corrections and other encoders' galleries stay. Searches go on
    meanwhile; writers of templates wait. The index goes afterwards: dropping it inside would hold searches
    up. Whatever stops that, the next build of an index drops it.

    Raises:
        DatabaseUnavailable: the database cannot be reached, or writers held on for five minutes.
    """
    queries = database.queries
    async with database.maintenance() as connection:
        # Asked for before the transaction: a build under way waits for transactions, this one included.
        await lock_index_builds(connection, queries)
        async with connection.transaction():
            await have_templates_alone(connection, queries)
            rows = await connection.fetch(queries["lock_galleries_of_encoder"], fingerprint)
            gallery_ids = [row["id"] for row in rows]
            await connection.execute(queries["delete_studies_of_galleries"], gallery_ids)
            await connection.execute(queries["delete_same_pictures_of_encoder"], fingerprint)
            await connection.execute(queries["delete_compared_cards_of_encoder"], fingerprint)
            await connection.execute(queries["delete_galleries"], gallery_ids)
        await drop_orphaned_indexes(connection, queries)
