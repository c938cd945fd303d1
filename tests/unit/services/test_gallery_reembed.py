"""Re-embedding what the gallery keeps."""

from __future__ import annotations

import hashlib

from app.domain.gallery_types import CardUpdate, ReferenceTemplates
from app.domain.types import Card, StoredImage
from app.services.gallery_reembed import GalleryReembedder
from app.settings import Settings
from tests.fakes.engine import TinyEncoder
from tests.fakes.gallery import InMemoryGallery
from tests.fakes.references import InMemoryReferences


async def test_a_batch_without_one_readable_picture_is_reported_and_passed_over() -> None:
    encoder, gallery = TinyEncoder(), InMemoryGallery()
    for number in range(2):
        data = f"no picture {number}".encode()
        sha256 = hashlib.sha256(data).hexdigest()
        stored = ReferenceTemplates(sha256, StoredImage("image/jpeg", data), await encoder.encode([]), ())
        await gallery.put_cards([CardUpdate(Card(f"x-{number}", "One"), (stored,), (sha256,))])
    report = await GalleryReembedder(
        Settings(_env_file=None), encoder, gallery, InMemoryReferences(gallery)
    ).run()
    assert [card_id for card_id, _ in report.broken] == ["x-0", "x-1"]
    assert (report.images, report.templates, gallery.templates) == (0, 0, [])
