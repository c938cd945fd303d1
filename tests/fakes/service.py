"""The whole service over the fakes: real services and pixels; encoder, gallery and store in memory."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import numpy as np
from fastapi import FastAPI
from PIL import Image

from app.api.application import build_application
from app.domain.calibration import UNCALIBRATED, Calibrations
from app.domain.gallery_types import CardUpdate, ReferenceTemplates
from app.domain.learning_types import LearningLimits
from app.domain.operation_types import PoolUse
from app.domain.types import Card, RgbImage, ScanResult, StoredImage, TemplateSource
from app.services.admission import Admission, Upload
from app.services.corrections import CorrectionService
from app.services.identify import IdentifyOptions, IdentifyService
from app.services.learning.loop import LearningLoop
from app.services.learning.study import Student
from app.services.runtime import Readiness, Runtime
from app.services.small_copies import SmallCopies
from app.settings import Settings
from tests.fakes.engine import FakeGuard, TinyEncoder
from tests.fakes.gallery import InMemoryGallery
from tests.fakes.learning import NothingToLearn
from tests.fakes.quality import NoQuality
from tests.fakes.references import InMemoryReferences
from tests.fakes.scans import InMemoryScanStore

CARD_WIDTH_PX, CARD_HEIGHT_PX = 126, 176
LOGIN_SECRET = bytes(range(32))


@dataclass
class FakeService:
    """One application with everything behind it at hand."""

    app: FastAPI
    gallery: InMemoryGallery
    scans: InMemoryScanStore
    guard: FakeGuard

    @property
    def runtime(self) -> Runtime:
        """What the routes see."""
        runtime: Runtime = self.app.state.runtime
        return runtime

    def replace_identify(self, stand_in: object) -> None:
        """Puts something else in the place of the identify service."""
        self.app.state.runtime = replace(self.runtime, identify=stand_in)

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        """A client without a network; errors that escape the application are raised in the test."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)


class NoPool:
    """In the place of the pool: one connection of five is busy, and the database was away twice."""

    def use(self) -> PoolUse:
        return PoolUse(size=3, idle=2, limit=5, opened=7, failures=2)

    async def check(self) -> str:
        return "answers"


class ScriptedIdentify:
    """In the place of the identify service: does what a test says."""

    def __init__(
        self,
        *,
        on_admission: Callable[[], None] = lambda: None,
        on_identify: Callable[[], object] = lambda: None,
    ) -> None:
        self._on_admission = on_admission
        self._on_identify = on_identify
        self.admitted = 0
        self.bodies: list[bytes] = []

    @asynccontextmanager
    async def upload(self) -> AsyncIterator[Upload]:
        self._on_admission()
        async with asyncio.timeout(None) as leaving:
            yield Upload(leaving)

    @asynccontextmanager
    async def admission(self) -> AsyncIterator[None]:
        self._on_admission()
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    async def identify(
        self, data: bytes, options: IdentifyOptions, *, key_id: str | None, idempotency_key: str | None
    ) -> tuple[ScanResult, bool]:
        self.bodies.append(data)
        outcome = self._on_identify()
        if hasattr(outcome, "__await__"):
            outcome = await outcome
        assert isinstance(outcome, ScanResult)
        return outcome, True


@asynccontextmanager
async def fake_service(settings: Settings) -> AsyncIterator[FakeService]:
    """Six cards in the gallery, two of them printings of one picture; nothing scanned yet."""
    gallery, scans, guard = InMemoryGallery(), InMemoryScanStore(), FakeGuard()
    references = InMemoryReferences(gallery)
    encoder = TinyEncoder()
    await gallery.put_cards([await card_update(encoder, number) for number in range(1, 7)])
    await gallery.refresh_artwork_groups()
    admission = Admission(settings.max_concurrent_scans, guard)
    identify = IdentifyService(
        settings,
        encoder,
        gallery,
        scans,
        Calibrations(UNCALIBRATED, UNCALIBRATED),
        admission,
        references,
    )

    async def gallery_check() -> str:
        await gallery.check()
        return f"{len(gallery.templates)} templates"

    store = NothingToLearn()
    student = Student(settings, encoder, gallery, references, Calibrations(UNCALIBRATED, UNCALIBRATED), store)
    learning = LearningLoop(store, student, LearningLimits())
    app = build_application(settings, no_lifespan)
    app.state.runtime = Runtime(
        settings=settings,
        encoder=encoder,
        identify=identify,
        corrections=CorrectionService(scans, gallery, admission, settings.max_image_pixels, learning),
        learning=learning,
        scans=scans,
        small_copies=SmallCopies(scans, admission),
        quality=NoQuality(),
        gallery=gallery,
        references=references,
        guard=guard,
        admission=admission,
        connections=NoPool(),
        readiness=Readiness([("gallery", gallery_check)]),
        login_secret=LOGIN_SECRET,
    )
    try:
        yield FakeService(app, gallery, scans, guard)
    finally:
        await identify.close()


@asynccontextmanager
async def no_lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The test itself sets what the routes serve."""
    yield


async def card_update(encoder: TinyEncoder, number: int) -> CardUpdate:
    """One invented card; 6 is a reprint of 5 in another set."""
    picture_number = min(number, 5)
    picture = card_picture(picture_number)
    card = Card(
        card_id=f"em{1 + number // 6}-{number:03}",
        name=f"Heron {picture_number}",
        set_id=f"em{1 + number // 6}",
        set_name="Ember Marsh",
        number=f"{number:03}/006",
        rarity="common",
        language="en",
        game="invented",
    )
    sha256 = f"{picture_number:064}"
    reference = ReferenceTemplates(
        source_sha256=sha256,
        image=StoredImage("image/png", png(picture)),
        vectors=await encoder.encode([picture]),
        sources=(TemplateSource.OFFICIAL,),
    )
    return CardUpdate(card, (reference,), (sha256,))


def card_picture(seed: int) -> RgbImage:
    """A light card with a blocky picture of its own."""
    blocks = np.random.default_rng(seed).integers(60, 160, (6, 4, 3)).astype(np.uint8)
    card = np.full((CARD_HEIGHT_PX, CARD_WIDTH_PX, 3), 235, np.uint8)
    card[7:169, 5:121] = np.kron(blocks, np.ones((27, 29, 1), np.uint8))
    return card


def page_png(*card_numbers: int) -> bytes:
    """A dark page, 1 to 3 cards in one row."""
    page = np.full((240, 500, 3), 25, np.uint8)
    for place, number in enumerate(card_numbers):
        left = 40 + 150 * place
        page[30 : 30 + CARD_HEIGHT_PX, left : left + CARD_WIDTH_PX] = card_picture(number)
    return png(page)


def png(image: RgbImage) -> bytes:
    """As a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
