"""Builds a gallery from a manifest: three templates for each reference image, resumable and idempotent.

Cards go in by small batches, each in one transaction, so whatever stops the import leaves whole cards behind
and the next run goes on where it stopped: what is there already, by the hash of its picture, is not
embedded again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2

from app.domain.errors import InvalidInput
from app.domain.gallery_types import CardUpdate, ReferenceTemplates
from app.domain.ports import Encoder, Gallery, References
from app.domain.types import RgbImage, StoredImage, TemplateSource
from app.services.manifest import BadRow, Manifest, ManifestCard
from app.services.reading import as_jpeg
from app.services.reference_features import fill_features
from app.services.same_pictures import find_same_pictures
from app.settings import Settings
from app.synthesis.views import augmented_template_views
from app.vision.decode import decode_image

#: The picture itself and two photo-like views of it.
TEMPLATE_SOURCES = (TemplateSource.OFFICIAL, TemplateSource.AUGMENTED, TemplateSource.AUGMENTED)

#: Cards in one transaction: small enough to lose little, large enough that commits cost nothing.
CARDS_A_BATCH = 24

#: Reference images are kept for people to compare with, and for encoders to come: no sharper than needed.
STORED_HEIGHT_PX = 1040
STORED_JPEG_QUALITY = 90


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    ``images`` counts those embedded in this run; ``refitted`` says whether the gallery's space was fitted
    anew.
    """

    cards: int = 0
    added_or_changed: int = 0
    unchanged: int = 0
    images: int = 0
    templates: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    artwork_groups: int = 0
    refitted: bool = False


@dataclass(frozen=True, slots=True)
class _Picture:
    sha256: str
    image: RgbImage


class GalleryImporter:
    """Imports manifests into the gallery of one encoder."""

    def __init__(
        self, settings: Settings, encoder: Encoder, gallery: Gallery, references: References
    ) -> None:
        self._settings = settings
        self._encoder = encoder
        self._gallery = gallery
        self._references = references

    async def run(
        self,
        manifest: Manifest,
        progress: Callable[[int], None] | None = None,
        comparing: Callable[[int, int], None] | None = None,
    ) -> ImportReport:
        """Adds or updates every card of a manifest, makes what is searched and verified by it.

        Args:
            manifest: The cards and the rows that could not be used.
            progress: Told how many cards have just been done.
            comparing: Told, while pictures of cards are compared, how many pairs of how many are done.

        Returns:
            Counts, with the manifest's bad rows and the images that could not be decoded.
        """
        report = ImportReport(bad_rows=list(manifest.bad_rows))
        for start in range(0, len(manifest.cards), CARDS_A_BATCH):
            batch = manifest.cards[start : start + CARDS_A_BATCH]
            await self._import_batch(batch, report)
            if progress is not None:
                progress(len(batch))
        await fill_features(self._references)
        report.refitted = await self._gallery.fit_space()
        same = await find_same_pictures(self._gallery, self._references, comparing)
        report.artwork_groups = await self._gallery.refresh_artwork_groups(same)
        await self._gallery.build_index()
        return report

    async def _import_batch(self, batch: Sequence[ManifestCard], report: ImportReport) -> None:
        known = await self._gallery.known_references([entry.card.card_id for entry in batch])
        prepared = []
        for entry in batch:
            there = known.get(entry.card.card_id)
            pictures, keep = await asyncio.to_thread(self._new_pictures, entry, there or {}, report)
            if not keep:
                continue
            prepared.append((entry.card, pictures, tuple(keep)))
            changed = bool(pictures) or there is None or set(there) - set(keep)
            report.added_or_changed += int(bool(changed))
            report.unchanged += int(not changed)
        templates = await self._embed([picture for _, pictures, _ in prepared for picture in pictures])
        updates = []
        for card, pictures, keep_sha256 in prepared:
            references = tuple(templates.pop(0) for _ in pictures)
            updates.append(CardUpdate(card, references, keep_sha256))
            report.images += len(pictures)
            report.templates += len(pictures) * len(TEMPLATE_SOURCES)
        await self._gallery.put_cards(updates)
        report.cards += len(updates)

    def _new_pictures(
        self, entry: ManifestCard, there: dict[str, int], report: ImportReport
    ) -> tuple[list[_Picture], list[str]]:
        """Decodes the reference images that have no complete templates yet; lists the hashes to keep.

        Where an image or a row of the card is bad, nobody knows which stored picture it was to be: all that
        are there are kept, until a run finds every row good. Without one good image nothing is listed.
        """
        pictures: list[_Picture] = []
        good: list[str] = []
        complete = entry.complete
        for image in entry.images:
            try:
                data = image.path.read_bytes()
                sha256 = hashlib.sha256(data).hexdigest()
                if there.get(sha256, 0) < len(TEMPLATE_SOURCES) and sha256 not in good:
                    pictures.append(_Picture(sha256, self._decode(data)))
                good.append(sha256)
            except (OSError, InvalidInput) as error:
                report.bad_rows.append(BadRow(image.line, f"image {image.path.name}: {error}"))
                complete = False
        keep = good if complete or not good else [*good, *there]
        return pictures, list(dict.fromkeys(keep))

    def _decode(self, data: bytes) -> RgbImage:
        image = decode_image(
            data,
            max_upload_bytes=self._settings.max_upload_bytes,
            max_pixels=self._settings.max_image_pixels,
        )
        height_px, width_px = image.shape[:2]
        if height_px <= STORED_HEIGHT_PX:
            return image
        size = (max(1, round(width_px * STORED_HEIGHT_PX / height_px)), STORED_HEIGHT_PX)
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(image.dtype, copy=False)

    async def _embed(self, pictures: Sequence[_Picture]) -> list[ReferenceTemplates]:
        views: list[RgbImage] = []
        for picture in pictures:
            views.extend(await asyncio.to_thread(template_views, picture.image, picture.sha256))
        if not views:
            return []
        vectors = await self._encoder.encode(views)
        per_image = len(TEMPLATE_SOURCES)
        return [
            ReferenceTemplates(
                source_sha256=picture.sha256,
                image=_stored(picture.image),
                vectors=vectors[i * per_image : (i + 1) * per_image],
                sources=TEMPLATE_SOURCES,
            )
            for i, picture in enumerate(pictures)
        ]


def template_views(image: RgbImage, sha256: str) -> list[RgbImage]:
    """The views of a reference image that become its templates, in the order of ``TEMPLATE_SOURCES``.

    The photo-like views are drawn from the picture's own hash, so every import makes the same ones.
    """
    views = [image, *augmented_template_views(image, seed=int(sha256[:8], 16))]
    if len(views) != len(TEMPLATE_SOURCES):
        raise AssertionError(f"{len(views)} views for {len(TEMPLATE_SOURCES)} templates")
    return views


def _stored(image: RgbImage) -> StoredImage:
    return as_jpeg(image, STORED_JPEG_QUALITY)
