"""Builds another encoder's templates from the reference images that the gallery keeps.

The templates of other encoders stay, so a service goes on with the old ones until ENCODER is changed. Images
go in by small batches, each in one transaction; what already has its templates is passed over, so whatever
stops the run, the next one goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.domain.errors import GalleryEmpty, InvalidInput
from app.domain.gallery_types import ReferenceTemplates, StoredReference
from app.domain.ports import Encoder, Gallery, References
from app.domain.types import RgbImage
from app.services.gallery_import import TEMPLATE_SOURCES, template_views
from app.services.reference_features import fill_features
from app.services.same_pictures import find_same_pictures
from app.settings import Settings
from app.vision.decode import decode_image

#: As many as an import has in one transaction.
REFERENCES_A_BATCH = 24


@dataclass(slots=True)
class ReembedReport:
    """What a run did.

    Attributes:
        images: Reference images embedded in this run.
        templates: Templates they gave.
        complete_before: Reference images that had their templates already.
        broken: Card ids whose stored image cannot be decoded any more, with why.
    """

    images: int = 0
    templates: int = 0
    complete_before: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)


class GalleryReembedder:
    """Fills the gallery of one encoder from stored reference images.

    Cards that share a picture are grouped anew, as this encoder sees them.
    """

    def __init__(
        self, settings: Settings, encoder: Encoder, gallery: Gallery, references: References
    ) -> None:
        self._settings = settings
        self._encoder = encoder
        self._gallery = gallery
        self._references = references

    async def run(
        self,
        progress: Callable[[int, int], None] | None = None,
        comparing: Callable[[int, int], None] | None = None,
    ) -> ReembedReport:
        """Embeds every reference image that lacks templates of this encoder.

        Then features are made where they are missing, the gallery's space is fitted, where one is due, and
        the index built.

        Args:
            progress: Told after each batch how many images of how many are done.
            comparing: Told, while pictures of cards are compared, how many pairs of how many are done.

        Raises:
            GalleryEmpty: no reference image is stored.
        """
        stored = (await self._gallery.status()).reference_images
        if not stored:
            raise GalleryEmpty("the gallery keeps no reference images; run: binderlens gallery import")
        total = await self._gallery.count_references_to_embed(len(TEMPLATE_SOURCES))
        report = ReembedReport(complete_before=stored - total)
        done, after = 0, ("", "")
        while batch := await self._gallery.references_to_embed(
            len(TEMPLATE_SOURCES), after, REFERENCES_A_BATCH
        ):
            await self._embed_batch(batch, report)
            done, after = done + len(batch), (batch[-1].card_id, batch[-1].source_sha256)
            if progress is not None:
                progress(done, total)
        await fill_features(self._references)
        await self._gallery.fit_space()
        same = await find_same_pictures(self._gallery, self._references, comparing)
        await self._gallery.refresh_artwork_groups(same)
        await self._gallery.build_index()
        return report

    async def _embed_batch(self, batch: Sequence[StoredReference], report: ReembedReport) -> None:
        usable: list[StoredReference] = []
        views: list[RgbImage] = []
        for reference in batch:
            try:
                views.extend(await asyncio.to_thread(self._views, reference))
                usable.append(reference)
            except InvalidInput as error:
                report.broken.append((reference.card_id, str(error)))
        if not usable:
            return
        vectors = await self._encoder.encode(views)
        report.images += len(usable)
        report.templates += len(vectors)
        templates = vectors.reshape(len(usable), len(TEMPLATE_SOURCES), -1)
        await self._gallery.put_templates(
            [
                (one.card_id, ReferenceTemplates(one.source_sha256, one.image, own, TEMPLATE_SOURCES))
                for one, own in zip(usable, templates, strict=True)
            ]
        )

    def _views(self, reference: StoredReference) -> list[RgbImage]:
        image = decode_image(
            reference.image.data,
            max_upload_bytes=self._settings.max_upload_bytes,
            max_pixels=self._settings.max_image_pixels,
        )
        return template_views(image, reference.source_sha256)
