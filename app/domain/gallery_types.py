"""What goes into a gallery and what is told about it, as immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.domain.types import Card, StoredImage, TemplateSource, Vectors


@dataclass(frozen=True, slots=True)
class ReferenceTemplates:
    """The templates of one reference image, as the importer hands them to the gallery.

    Attributes:
        source_sha256: Hash of the file the picture came from: makes a repeated import a no-op.
        image: The picture to keep and show.
        vectors: Embeddings, (views, dimension).
        sources: One source a view, in the order of ``vectors``.
    """

    source_sha256: str
    image: StoredImage
    vectors: Vectors
    sources: tuple[TemplateSource, ...]


@dataclass(frozen=True, slots=True)
class StoredReference:
    """A reference image as the gallery keeps it, to be embedded by an encoder that comes later.

    Attributes:
        card_id: Whose it is.
        source_sha256: Hash of the file it was imported from; ``image`` may be smaller.
        image: The picture that was kept.
    """

    card_id: str
    source_sha256: str
    image: StoredImage


@dataclass(frozen=True, slots=True)
class CardUpdate:
    """What an import changes about one card.

    Attributes:
        card: The card as the manifest has it.
        references: Reference images to add, or whose templates of this encoder are to be replaced.
        keep_sha256: ``source_sha256`` of every reference image the card has afterwards; its others are
            removed. Templates learnt from corrections stay.
    """

    card: Card
    references: tuple[ReferenceTemplates, ...]
    keep_sha256: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PictureToCompare:
    """A card as its picture is compared with those of others.

    Attributes:
        card_id: Whose it is.
        game: Cards of two games never show one picture.
        template_id: Of the picture's official template: another one once the picture has changed.
        asked_from: Where the card has been compared: how alike later cards must be to be compared with it.
            None where it has not been compared, or what it was compared by has changed since.
    """

    card_id: str
    game: str | None
    template_id: int
    asked_from: float | None


@dataclass(frozen=True, slots=True)
class PictureComparison:
    """What comparing pictures found.

    Attributes:
        same: Pairs of card ids that show one picture, the earlier first.
        asked_from: The cards that are compared with all others now, with their ``asked_from`` from now on.
        templates: ``template_id`` of all these cards, as they were when they were compared.
        asked: How many pairs of pictures were compared.
    """

    same: tuple[tuple[str, str], ...]
    asked_from: Mapping[str, float]
    templates: Mapping[str, int]
    asked: int = 0


NOTHING_COMPARED = PictureComparison((), {}, {})


@dataclass(frozen=True, slots=True)
class SetCoverage:
    """How much of one set the gallery holds."""

    game: str | None
    set_id: str | None
    cards: int
    cards_with_templates: int


@dataclass(frozen=True, slots=True)
class EncoderGallery:
    """One encoder's gallery among those that stand side by side in a database.

    Attributes:
        fingerprint: Of the encoder.
        encoder_name: As the encoder's own files have it; two versions of an encoder share one.
        templates: All of them, those that were undone included.
        learnt: Those that were made of corrections.
        created_at: When its first template came.
        last_scan_at: When its encoder last answered a scan that is kept; None where it answered none.
    """

    fingerprint: str
    encoder_name: str
    templates: int
    learnt: int
    created_at: datetime
    last_scan_at: datetime | None


@dataclass(frozen=True, slots=True)
class GalleryStatus:
    """The truth about a gallery.

    Attributes:
        encoder_fingerprint: Whose templates these are.
        fingerprint: Of encoder and space together: what the templates can be compared with.
        space_cards: Cards that the gallery's space was fitted on; None where it has none.
    """

    cards: int
    cards_with_templates: int
    artwork_groups: int
    reference_images: int
    templates: int
    templates_by_source: Mapping[str, int]
    encoder_fingerprint: str
    fingerprint: str
    space_cards: int | None
    other_galleries: tuple[EncoderGallery, ...]
    index_state: Literal["none", "building", "ready", "invalid"]
    sets: tuple[SetCoverage, ...] = ()
