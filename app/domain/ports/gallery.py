"""What services need of a gallery: cards, templates and reference pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.domain.gallery_types import (
    NOTHING_COMPARED,
    CardUpdate,
    GalleryStatus,
    PictureComparison,
    PictureToCompare,
    ReferenceTemplates,
    StoredReference,
)
from app.domain.types import Card, CardFilter, StoredImage, TemplateHit, Vectors


class Gallery(Protocol):
    """Cards, their reference pictures and their templates, for one encoder."""

    async def search(
        self, vectors: Vectors, top_k: int, card_filter: CardFilter, *, learnt: bool = True
    ) -> list[TemplateHit]:
        """Finds the ``top_k`` templates nearest to each query, best first, in one SQL statement.

        Templates of corrections come beside them, of each card the best one, unless ``learnt=False``.

        Raises:
            SearchTimeout: the statement was cancelled (SQLSTATE 57014).
            DatabaseUnavailable: the database cannot be reached.
        """
        ...

    async def check(self) -> None:
        """Raises GalleryEmpty or GalleryMismatch where a search would make no sense."""
        ...

    async def known_references(self, card_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """For each card that is there, ``{source_sha256: number of templates}`` of this encoder."""
        ...

    async def put_cards(self, batch: Sequence[CardUpdate]) -> None:
        """Adds or updates cards in one transaction: all of the batch or nothing."""
        ...

    async def count_references_to_embed(self, templates: int) -> int:
        """How many stored reference images have fewer than ``templates`` templates of this encoder."""
        ...

    async def references_to_embed(
        self, templates: int, after: tuple[str, str], limit: int
    ) -> list[StoredReference]:
        """Those references by card id and hash: the next ``limit`` after ``after``, at first ("", "")."""
        ...

    async def put_templates(self, batch: Sequence[tuple[str, ReferenceTemplates]]) -> None:
        """Replaces this encoder's templates of stored references, given with their card ids: all or nothing.

        References that have been removed meanwhile are passed over.
        """
        ...

    async def remove_cards(self, card_ids: Sequence[str]) -> int:
        """Removes cards with their templates; returns how many there were."""
        ...

    async def fit_space(self) -> bool:
        """Moves the templates into a space fitted on the cards there are, where one is due.

        It is due when the gallery has become large enough for one, or another size than it was fitted on
        (``app.domain.space``). Searches go on meanwhile; writers wait.

        Returns:
            Whether the templates were moved.
        """
        ...

    async def build_index(self) -> None:
        """Builds the HNSW index of this encoder's templates unless it is there and valid."""
        ...

    async def pictures_to_compare(self) -> tuple[list[PictureToCompare], Vectors]:
        """Every card with an official template, by card id, and one vector each, as the encoder gave it.

        Returns:
            Cards and float32 (cards, dimension); no cards at all where every one has been compared.
        """
        ...

    async def refresh_artwork_groups(self, comparison: PictureComparison = NOTHING_COMPARED) -> int:
        """Puts cards that share one picture into one group: all or nothing.

        Pairs that were found before count like those of this comparison, until one of the two cards changes
        its pictures, its name or its game; so do cards of one name that are nearly the same to the encoder.

        Args:
            comparison: What was found now. It is kept, except about cards that changed meanwhile: these are
                to be compared again.

        Returns:
            The number of groups.
        """
        ...

    async def status(self) -> GalleryStatus:
        """Counts everything."""
        ...

    async def find_cards(self, query: str | None, set_id: str | None, limit: int) -> list[Card]:
        """Cards whose name, set and number match every word of the query, best first."""
        ...

    async def get_card(self, card_id: str) -> Card | None:
        """One card."""
        ...

    async def group_members(
        self, artwork_group_ids: Sequence[int], card_filter: CardFilter
    ) -> dict[int, list[str]]:
        """Card ids of each group, sorted; cards outside the filter are left out."""
        ...

    async def confusions_of(self, card_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """For each of these answers that people judged: how often it was which card."""
        ...

    async def corrections_of(self, card_ids: Sequence[str]) -> dict[str, int]:
        """How many corrections gave each of these cards a template; cards without any are left out."""
        ...

    async def artwork_groups_of(self, card_ids: Sequence[str]) -> dict[str, int]:
        """The artwork group of each card that is there."""
        ...

    async def card_image(self, card_id: str) -> StoredImage | None:
        """The first reference image of a card."""
        ...


class References(Protocol):
    """Reference pictures and their features, the same for every encoder."""

    async def count_without_features(self) -> int:
        """How many reference pictures have no features yet."""
        ...

    async def without_features(self, after: int, limit: int) -> list[tuple[int, StoredImage]]:
        """The next reference pictures without features, by number, beyond ``after``."""
        ...

    async def put_features(self, batch: Sequence[tuple[int, bytes]]) -> None:
        """Stores the features of reference pictures, given with their numbers."""
        ...

    async def features_of(self, card_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """Features of each card's reference pictures; cards without any are missing.

        Raises:
            SearchTimeout: the statement was cancelled.
        """
        ...

    async def learnt_features_of(self, card_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """Features of crops that are templates of each card now, the latest few first.

        Raises:
            SearchTimeout: the statement was cancelled.
        """
        ...

    async def pictures_of(self, card_ids: Sequence[str]) -> dict[str, StoredImage]:
        """The first reference picture of each card.

        Raises:
            SearchTimeout: the statement was cancelled.
        """
        ...
