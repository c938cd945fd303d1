"""What services need of the outside: an encoder, a gallery and a scan store. Adapters implement these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from app.domain.correction_types import Correction, NewCorrection
from app.domain.gallery_types import (
    NOTHING_COMPARED,
    CardUpdate,
    GalleryStatus,
    PictureComparison,
    PictureToCompare,
    ReferenceTemplates,
    StoredReference,
)
from app.domain.quality_types import Quality, QualityFilter
from app.domain.scan_filter import ScanFilter
from app.domain.types import (
    Card,
    CardFilter,
    EncoderInfo,
    Identification,
    MemorySnapshot,
    RequestKey,
    RgbImage,
    ScanResult,
    ScanSummary,
    StoredImage,
    TemplateHit,
    Vectors,
)


class Encoder(Protocol):
    """Turns rectified cards into unit vectors."""

    @property
    def info(self) -> EncoderInfo:
        """Which encoder this is."""
        ...

    async def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        """Embeds whole cards of any size.

        Args:
            crops: RGB uint8 pictures (height, width, 3), each filled by one card, upright.

        Returns:
            float32 (len(crops), dimension), unit length, owning its memory. (0, dimension) for no crops.

        Raises:
            MemoryTight: the guard refused the batch.
        """
        ...


class MemoryGuard(Protocol):
    """Watches the process's anonymous memory and says when to stop taking work."""

    def admit(self, pending: int = 0) -> None:
        """Lets one more scan in beside ``pending`` admitted ones, which may not have used their share yet.

        Raises:
            MemoryTight: that would bring the process too close to its limit.
        """
        ...

    def reserve(self, need_bytes: int) -> Callable[[], None]:
        """Keeps room for what a scan is about to allocate, until the function it returns is called.

        Raises:
            MemoryTight: there is no room for that.
        """
        ...

    def has_room(self, pending: int = 0) -> bool:
        """Whether ``admit`` would let one more scan in; changes and counts nothing."""
        ...

    def snapshot(self) -> MemorySnapshot:
        """What it sees now."""
        ...


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
        """How many corrections were learnt about each of these cards; those without any are left out."""
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


class ScanStore(Protocol):
    """Scans, detections and corrections with their pictures."""

    async def save(
        self,
        result: ScanResult,
        image: StoredImage,
        crops: Sequence[StoredImage],
        key_id: str | None,
        request_key: RequestKey | None = None,
    ) -> UUID:
        """Stores a scan with its detections, pictures and idempotency key: all of it or nothing.

        Returns:
            The scan that the key stands for: this one, or that of a request that was first with the same key
            and body; then nothing is stored.

        Raises:
            IdempotencyConflict: the key was meanwhile used with another body; nothing is stored.
        """
        ...

    async def get(self, scan_id: UUID) -> ScanResult | None:
        """The reply as it was given."""
        ...

    async def list(self, chosen: ScanFilter, limit: int) -> list[ScanSummary]:
        """Scans that are like that, newest first.

        Raises:
            SearchTimeout: the statement was cancelled.
        """
        ...

    async def delete(self, scan_id: UUID) -> bool:
        """Forgets a scan with its pictures; what corrections learnt from it stays. False if unknown."""
        ...

    async def scan_image(self, scan_id: UUID) -> StoredImage | None:
        """The picture of a scan."""
        ...

    async def detection_image(self, detection_id: UUID) -> StoredImage | None:
        """The rectified crop of a detection."""
        ...

    async def detection(self, detection_id: UUID) -> Identification | None:
        """One card of a scan as it was answered."""
        ...

    async def find_idempotent(self, request_key: RequestKey, key_id: str | None) -> UUID | None:
        """The scan an idempotency key already made.

        Raises:
            IdempotencyConflict: the key was used with another body.
        """
        ...

    async def add_correction(
        self, correction: NewCorrection, body_sha256: str, crop: StoredImage | None
    ) -> tuple[Correction, bool]:
        """Stores a correction; the flag is False where its idempotency key had already stored it.

        Raises:
            NotFound: unknown scan, detection or card.
            IdempotencyConflict: the key was used with another body.
        """
        ...

    async def find_correction(self, key: str, key_id: str | None, body_sha256: str) -> Correction | None:
        """The correction that an idempotency key already stored.

        Raises:
            IdempotencyConflict: the key was used with another body.
        """
        ...

    async def get_correction(self, correction_id: UUID) -> Correction | None:
        """One correction."""
        ...

    async def corrections_of(self, scan_id: UUID) -> Sequence[Correction]:
        """What people said about a scan, in order of arrival; none where the scan is unknown."""
        ...

    async def undo_correction(self, correction_id: UUID) -> Correction | None:
        """Marks a correction undone, with everything it changed; None if unknown."""
        ...

    async def purge(self, older_than_days: int) -> int:
        """Deletes scans past their retention, none where it is 0, and pictures without a use.

        Returns:
            How many scans.
        """
        ...


class QualityStore(Protocol):
    """Figures over what is stored."""

    async def figures(self, chosen: QualityFilter) -> Quality:
        """How well cards were named.

        Raises:
            SearchTimeout: a statement was cancelled.
        """
        ...
