"""The gallery of one encoder in PostgreSQL: cards, reference images, templates."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from app.db.artwork_groups import refresh_artwork_groups
from app.db.blobs import collect_blobs
from app.db.current_gallery import CurrentGallery, GalleryLookup
from app.db.gallery_space import keep_templates, move_into_space
from app.db.gallery_writes import (
    check_batch,
    check_reference,
    check_vectors,
    put_card_rows,
    put_references,
    put_templates,
)
from app.db.picture_comparisons import forget_comparisons, read_pictures
from app.db.pool import Database
from app.db.records import hits_from_rows
from app.db.search_words import words_of_text
from app.db.template_index import build_index, index_state
from app.db.template_search import MOST_CARDS_EXACT, TemplateSearch
from app.domain.errors import GalleryEmpty, GalleryMismatch
from app.domain.gallery_types import (
    NOTHING_COMPARED,
    CardUpdate,
    EncoderGallery,
    GalleryStatus,
    PictureComparison,
    PictureToCompare,
    ReferenceTemplates,
    SetCoverage,
    StoredReference,
)
from app.domain.space import LEAST_CARDS, SpacePolicy
from app.domain.types import Card, CardFilter, EncoderInfo, StoredImage, TemplateHit, Vectors


class PostgresGallery:
    """Implements ``app.domain.ports.Gallery``.

    Args:
        database: Where it lies.
        encoder: Whose templates these are; those of other encoders are never searched.
        least_cards: Galleries of fewer cards get no space.
        most_cards_exact: Within a filter that leaves no more cards, searches are exact.
    """

    def __init__(
        self,
        database: Database,
        encoder: EncoderInfo,
        *,
        least_cards: int = LEAST_CARDS,
        most_cards_exact: int = MOST_CARDS_EXACT,
    ) -> None:
        self._database = database
        self._queries = database.queries
        self._encoder = encoder
        self._policy = SpacePolicy(encoder.whitening_exponent, least_cards)
        self._most_cards_exact = most_cards_exact
        self._lookup = GalleryLookup(database.queries, encoder)

    async def search(
        self, vectors: Vectors, top_k: int, card_filter: CardFilter, *, learnt: bool = True
    ) -> list[TemplateHit]:
        """Finds the ``top_k`` templates nearest to each query, best first, in one SQL statement.

        Exact without an HNSW index, and where a filter leaves no more than ``most_cards_exact`` cards; else
        approximate at the pool's ``hnsw.ef_search``, but never with fewer rows than there are.

        Args:
            vectors: float32 (queries, dimension), unit length.
            top_k: Templates for each query.
            card_filter: Narrows the gallery before the ``top_k`` are taken.
            learnt: False leaves templates of corrections out. Else they come beside the ``top_k``, the best
                one of each card.

        Returns:
            Hits by query, then by falling similarity: the cosine as float16 templates give it.

        Raises:
            ValueError: vectors of another dimension, or not of unit length.
            SearchTimeout: the statement was cancelled (SQLSTATE 57014); the connection stays usable.
            DatabaseUnavailable: the database cannot be reached.
        """
        check_vectors(vectors, self._encoder.dimension)
        if not len(vectors):
            return []
        async with self._database.connection() as connection:
            gallery = self._lookup.last or await self._lookup.find(connection)
            hits = await self._search(connection, gallery, vectors, top_k, card_filter, learnt)
            if not hits:
                # Another process may have moved the gallery since it was looked up.
                latest = await self._lookup.find(connection)
                if latest is not gallery:
                    hits = await self._search(connection, latest, vectors, top_k, card_filter, learnt)
        return hits

    async def _search(
        self,
        connection: asyncpg.Connection,
        gallery: CurrentGallery | None,
        vectors: Vectors,
        top_k: int,
        card_filter: CardFilter,
        learnt: bool,
    ) -> list[TemplateHit]:
        if gallery is None:
            return []
        vectors, dimension = gallery.moved(vectors), self._encoder.dimension
        search = TemplateSearch(self._queries, gallery.gallery_id, dimension, self._most_cards_exact)
        rows = await search.run(connection, vectors, top_k, card_filter, learnt=learnt)
        return hits_from_rows(rows, in_space=gallery.space is not None)

    async def check(self) -> None:
        """Raises GalleryEmpty or GalleryMismatch where a search would make no sense."""
        async with self._database.connection() as connection:
            if await connection.fetchval(self._queries["any_template_of_encoder"], self._encoder.fingerprint):
                return
            others = await connection.fetch(self._queries["fingerprints_with_templates"])
        if not others:
            raise GalleryEmpty("the gallery has no templates; run: binderlens gallery import")
        fingerprints = ", ".join(row["encoder_fingerprint"] for row in others)
        raise GalleryMismatch(
            f"the gallery was made by encoder {fingerprints}, but {self._encoder.name} with fingerprint "
            f"{self._encoder.fingerprint} is loaded; set ENCODER or run: binderlens gallery re-embed"
        )

    async def known_references(self, card_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """For each card that is there, ``{source_sha256: number of templates}`` of this encoder."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                self._queries["known_references"], list(card_ids), await self._lookup.find_id(connection)
            )
        known: dict[str, dict[str, int]] = {row["card_id"]: {} for row in rows}
        for row in rows:
            if row["source_sha256"] is not None:
                known[row["card_id"]][row["source_sha256"]] = row["templates"]
        return known

    async def put_cards(self, batch: Sequence[CardUpdate]) -> None:
        """Adds or updates cards in one transaction: all of the batch or nothing.

        Raises:
            ValueError: a card twice in the batch, or vectors that do not fit their sources or this encoder.
        """
        check_batch(batch, self._encoder.dimension)
        async with self._database.transaction(limit_statements=False) as connection:
            await keep_templates(connection, self._queries)
            gallery = await self._lookup.make(connection)
            await put_card_rows(connection, self._queries, [update.card for update in batch])
            await put_references(connection, self._queries, gallery, batch)

    async def count_references_to_embed(self, templates: int) -> int:
        """How many stored reference images have fewer than ``templates`` templates of this encoder."""
        async with self._database.connection() as connection:
            gallery_id = await self._lookup.find_id(connection)
            count = await connection.fetchval(
                self._queries["count_references_to_embed"], gallery_id, templates
            )
        return int(count)

    async def references_to_embed(
        self, templates: int, after: tuple[str, str], limit: int
    ) -> list[StoredReference]:
        """Those references by card id and hash: the next ``limit`` after ``after``, at first ("", "")."""
        async with self._database.connection() as connection:
            gallery_id = await self._lookup.find_id(connection)
            rows = await connection.fetch(
                self._queries["references_to_embed"], gallery_id, templates, *after, limit
            )
        return [
            StoredReference(row["card_id"], row["source_sha256"], StoredImage(row["media_type"], row["data"]))
            for row in rows
        ]

    async def put_templates(self, batch: Sequence[tuple[str, ReferenceTemplates]]) -> None:
        """Replaces this encoder's templates of stored references, given with their card ids: all or nothing.

        References that have been removed meanwhile are passed over.

        Raises:
            ValueError: vectors that do not fit their sources or this encoder.
        """
        for card_id, reference in batch:
            check_reference(card_id, reference, self._encoder.dimension)
        async with self._database.transaction(limit_statements=False) as connection:
            await keep_templates(connection, self._queries)
            gallery = await self._lookup.make(connection)
            card_ids = [card_id for card_id, _ in batch]
            await forget_comparisons(connection, self._queries, card_ids, self._encoder.fingerprint)
            await put_templates(connection, self._queries, gallery, batch)

    async def remove_cards(self, card_ids: Sequence[str]) -> int:
        """Removes cards with their pictures and every encoder's templates; returns how many there were."""
        async with self._database.transaction(limit_statements=False) as connection:
            await keep_templates(connection, self._queries)
            await forget_comparisons(connection, self._queries, card_ids)
            blobs = await connection.fetch(self._queries["blobs_of_cards"], list(card_ids))
            removed = await connection.fetch(self._queries["delete_cards"], list(card_ids))
            await connection.execute(self._queries["delete_empty_artwork_groups"])
            if removed:
                await connection.execute(self._queries["study_all_again"])
            await collect_blobs(connection, self._queries, [row["blob_sha256"] for row in blobs])
        return len(removed)

    async def fit_space(self) -> bool:
        """Moves the templates into a space fitted on the cards there are, where one is due."""
        return await move_into_space(self._database, self._encoder, self._policy)

    async def build_index(self) -> None:
        """Builds the HNSW index of this encoder's templates unless it is there and valid."""
        async with self._database.connection() as connection:
            gallery = await self._lookup.make(connection)
        await build_index(self._database, gallery.gallery_id, self._encoder.dimension)

    async def pictures_to_compare(self) -> tuple[list[PictureToCompare], Vectors]:
        """Every card with an official template, by card id, one vector each; none if all were compared."""
        async with self._database.maintenance() as connection, connection.transaction():
            await keep_templates(connection, self._queries)
            gallery = await self._lookup.make(connection)
            return await read_pictures(connection, self._queries, gallery.gallery_id, self._encoder)

    async def refresh_artwork_groups(self, comparison: PictureComparison = NOTHING_COMPARED) -> int:
        """Keeps what a comparison found and regroups; returns the number of groups."""
        async with self._database.maintenance() as connection, connection.transaction():
            # Half of a refresh in one gallery and half in the next would take every group apart.
            await keep_templates(connection, self._queries)
            gallery = await self._lookup.make(connection)
            return await refresh_artwork_groups(
                connection, self._queries, gallery.gallery_id, self._encoder, comparison
            )

    async def status(self) -> GalleryStatus:
        """Counts everything."""
        async with self._database.connection() as connection:
            gallery = await self._lookup.find(connection)
            gallery_id = None if gallery is None else gallery.gallery_id
            counts = await connection.fetchrow(self._queries["gallery_counts"], gallery_id)
            by_source = await connection.fetch(self._queries["templates_by_source"], gallery_id)
            by_encoder = await connection.fetch(self._queries["all_galleries"])
            coverage = await connection.fetch(self._queries["set_coverage"], gallery_id)
            state = "none" if gallery_id is None else await index_state(connection, self._queries, gallery_id)
        galleries = [EncoderGallery(**row) for row in by_encoder]
        templates_by_source = {row["source"]: row["templates"] for row in by_source}
        return GalleryStatus(
            **counts,
            templates=sum(templates_by_source.values()),
            templates_by_source=templates_by_source,
            encoder_fingerprint=self._encoder.fingerprint,
            fingerprint=self._encoder.fingerprint if gallery is None else gallery.fingerprint,
            space_cards=None if gallery is None or gallery.space is None else gallery.space.cards,
            other_galleries=tuple(one for one in galleries if one.fingerprint != self._encoder.fingerprint),
            index_state=state,
            sets=tuple(SetCoverage(**row) for row in coverage),
        )

    async def find_cards(self, query: str | None, set_id: str | None, limit: int) -> list[Card]:
        """Cards whose name, set and number match every word of the query, best first.

        A word matches the beginnings of words; case, accents, leading zeros and a number's "/162" do not
        count.
        """
        words = words_of_text(query or "")
        if query and query.strip() and not words:
            return []
        prefixes = " & ".join(f"'{word}':*" for word in words)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                self._queries["find_cards"], words, prefixes, set_id, (query or "").strip(), limit
            )
        return [Card(**row) for row in rows]

    async def get_card(self, card_id: str) -> Card | None:
        """One card."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(self._queries["get_card"], card_id)
        return None if row is None else Card(**row)

    async def group_members(
        self, artwork_group_ids: Sequence[int], card_filter: CardFilter
    ) -> dict[int, list[str]]:
        """Card ids of each group, sorted; cards outside the filter are left out."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                self._queries["group_members"],
                list(artwork_group_ids),
                card_filter.game,
                list(card_filter.set_ids) or None,
                card_filter.language,
            )
        members: dict[int, list[str]] = {}
        for row in rows:
            members.setdefault(row["artwork_group_id"], []).append(row["card_id"])
        return members

    async def confusions_of(self, card_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """For each of these answers that people judged: how often it was which card."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._queries["confusion_pairs_of"], list(card_ids))
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            found.setdefault(row["answered_card_id"], {})[row["right_card_id"]] = row["times"]
        return found

    async def corrections_of(self, card_ids: Sequence[str]) -> dict[str, int]:
        """How many corrections gave each of these cards a template; cards without any are left out."""
        async with self._database.connection() as connection:
            gallery_id = await self._lookup.find_id(connection)
            statement = self._queries["count_corrections_with_templates"]
            rows = await connection.fetch(statement, gallery_id, list(card_ids))
        return {row["card_id"]: row["corrections"] for row in rows}

    async def artwork_groups_of(self, card_ids: Sequence[str]) -> dict[str, int]:
        """The artwork group of each card that is there."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._queries["artwork_groups_of"], list(card_ids))
        return {row["card_id"]: row["artwork_group_id"] for row in rows}

    async def card_image(self, card_id: str) -> StoredImage | None:
        """The first reference image of a card."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(self._queries["card_image"], card_id)
        return None if row is None else StoredImage(**row)
