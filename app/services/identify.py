"""One scan from bytes to a stored answer."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

import structlog

from app.domain.calibration import Calibrations
from app.domain.errors import DeadlineExceeded
from app.domain.ports import Encoder, Gallery, References, ScanStore
from app.domain.reading_evidence import TextReader
from app.domain.stopping import finish
from app.domain.types import CardFilter, Degraded, Identification, RequestKey, ScanResult, StoredImage
from app.services.admission import Admission, Upload
from app.services.answering import Answerer
from app.services.card_text import CardTexts
from app.services.explaining import Explainer
from app.services.history import in_history
from app.services.matching import Match, Matcher
from app.services.page_context import in_context
from app.services.reading import (
    CROP_JPEG_QUALITY,
    SCAN_JPEG_QUALITY,
    CardFinder,
    ReadCard,
    ReadScan,
    SeenPictures,
    as_jpeg,
    read_scan,
)
from app.services.recognition import Recognised, Recogniser
from app.services.remembering import PICTURES_KEPT, Remembered, RememberingEncoder
from app.services.scan_memory import ScanMemory
from app.services.verification import Beside, Verifier
from app.settings import Settings

#: How long closing waits for pixel work in hand: the slowest picture within the limits takes some seconds.
CLOSE_TIMEOUT_S = 10.0

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IdentifyOptions:
    """What a caller may ask for.

    Attributes:
        candidates: How many to list for each card, 1 to 25.
        card_filter: Which part of the gallery.
        explain: Whether to say why each card was named so; only of scans that are stored.
    """

    candidates: int = 5
    card_filter: CardFilter = field(default_factory=CardFilter)
    explain: bool = False


@dataclass(frozen=True, slots=True)
class _Answered:
    """A result with the pixels it came from."""

    result: ScanResult
    scan: ReadScan
    matches: Sequence[Match]


class IdentifyService:
    """Finds every card in a picture and says which printing it is."""

    def __init__(
        self,
        settings: Settings,
        encoder: Encoder,
        gallery: Gallery,
        scans: ScanStore,
        calibrations: Calibrations,
        admission: Admission,
        references: References,
        finder: CardFinder | None = None,
        reader: TextReader | None = None,
    ) -> None:
        self._settings = settings
        self._finder = finder
        self._encoder = RememberingEncoder(encoder)
        self._seen: SeenPictures = Remembered(PICTURES_KEPT)
        self._gallery = gallery
        self._scans = scans
        self._admission = admission
        self._calibrations = calibrations
        self._recogniser = Recogniser(
            Matcher(
                self._encoder, gallery, calibrations, settings.retrieval_topk, settings.retrieval_topk_retry
            ),
            Verifier(
                references,
                calibrations,
                settings.verification_budget_ms,
                texts=None if reader is None else CardTexts(reader),
            ),
            calibrations,
        )
        self._answerer = Answerer(gallery, calibrations)
        self._explainer = Explainer(references, scans)
        # Pixels are worked on beside the event loop, by as many threads as there are permits.
        self._threads = ThreadPoolExecutor(settings.max_concurrent_scans, thread_name_prefix="pixels")
        self._running: set[Future[Any]] = set()

    def upload(self) -> AbstractAsyncContextManager[Upload]:
        """To be held while the picture of a scan comes in; refused early where ``admission`` would be."""
        return self._admission.upload()

    def admission(self) -> AbstractAsyncContextManager[None]:
        """The permit to hold while a scan is worked on."""
        return self._admission.permit()

    async def close(self) -> None:
        """Lets the worker threads finish, for ``CLOSE_TIMEOUT_S`` at most, and takes no more work.

        The event loop goes on meanwhile: joining the threads here would silence ``/health`` and keep the
        database from being closed for as long as one picture takes.
        """
        self._threads.shutdown(wait=False, cancel_futures=True)
        if not await finish(tuple(self._running), CLOSE_TIMEOUT_S):
            structlog.get_logger().warning("threads_left_running", threads=len(self._running))

    async def identify(
        self,
        data: bytes,
        options: IdentifyOptions,
        *,
        key_id: str | None = None,
        idempotency_key: str | None = None,
        store: bool = True,
    ) -> tuple[ScanResult, bool]:
        """Identifies every card in a picture and stores the answer.

        Args:
            data: The file as uploaded.
            options: How many candidates, and which part of the gallery.
            key_id: Whose request this is.
            idempotency_key: A repeated key with the same bytes and options gives the stored answer again.
            store: False for measurements, whose scans nobody will correct.

        Returns:
            The answer, and whether it is new (False: its idempotency key had already stored it).

        Raises:
            InvalidInput: the bytes are not a picture that can be used.
            Unavailable: try again later; the class says why.
            IdempotencyConflict: the key was used with another body.
            DeadlineExceeded: REQUEST_TIMEOUT_MS is over.
        """
        timeout_ms = self._settings.request_timeout_ms
        try:
            async with asyncio.timeout(timeout_ms / 1000.0) as deadline:
                if not store:
                    with self._admission.scan_memory() as memory:
                        return (await self._identify(data, options, memory)).result, True
                result, is_new = await self._identify_once(data, options, key_id, idempotency_key)
                if options.explain:
                    result = await self._explained(result, deadline)
                return result, is_new
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise DeadlineExceeded(f"the scan was not done within {timeout_ms} ms") from error

    async def explain(self, found: Identification) -> Identification:
        """The same answer with its explanation, None where there is none; the card's scan must be stored.

        Raises:
            Unavailable: try again later; pixels are compared again, which takes a permit as a scan does.
        """
        async with self.admission():
            timeout_ms = float(self._settings.request_timeout_ms)
            (explained,) = await self._explainer.explain((found,), self._beside, timeout_ms)
        return explained

    async def _identify_once(
        self, data: bytes, options: IdentifyOptions, key_id: str | None, idempotency_key: str | None
    ) -> tuple[ScanResult, bool]:
        request_key = None
        if idempotency_key is not None:
            request_key = RequestKey(idempotency_key, await self._beside(_request_hash, data, options))
            scan_id = await self._scans.find_idempotent(request_key, key_id)
            earlier = await self._scans.get(scan_id) if scan_id is not None else None
            if earlier is not None:
                return earlier, False
        return await self._identify_and_store(data, options, key_id, request_key)

    async def _identify_and_store(
        self, data: bytes, options: IdentifyOptions, key_id: str | None, request_key: RequestKey | None
    ) -> tuple[ScanResult, bool]:
        with self._admission.scan_memory() as memory:
            answered = await self._identify(data, options, memory)
            image, crops = await self._beside(_stored_pictures, answered.scan, answered.matches, memory)
        while True:
            scan_id = await self._scans.save(answered.result, image, crops, key_id, request_key)
            if scan_id == answered.result.scan_id:
                return answered.result, True
            # Another request with this key ran at the same time and was first: one key, one scan.
            earlier = await self._scans.get(scan_id)
            if earlier is not None:
                return earlier, False
            # It has been forgotten since, and its key with it.

    async def _identify(self, data: bytes, options: IdentifyOptions, memory: ScanMemory) -> _Answered:
        started = time.perf_counter()
        scan = await self._beside(read_scan, data, self._settings, memory, self._finder, self._seen)
        beside = self._holding(memory)
        seen = await self._recogniser.recognise(scan, options.card_filter, beside)
        scan, matches = seen.scan, in_context(seen.matches, self._calibrations)
        matches = await in_history(matches, self._gallery, self._calibrations)
        cards = await self._answerer.answer(scan, matches, options.candidates, options.card_filter)
        kept = [i for i, card in enumerate(scan.cards) if not _is_back(card, cards[i], options.card_filter)]
        scan, matches, cards = scan.only(kept), [matches[i] for i in kept], tuple(cards[i] for i in kept)
        result = ScanResult(
            scan_id=uuid.uuid4(),
            width_px=scan.image.shape[1],
            height_px=scan.image.shape[0],
            sha256=scan.sha256,
            cards=cards,
            timings_ms=_timings(seen, started),
            encoder=self._encoder.info,
            created_at=datetime.now(UTC),
        )
        return _Answered(result, scan, matches)

    async def _explained(self, result: ScanResult, deadline: asyncio.Timeout) -> ScanResult:
        left_s = (deadline.when() or 0.0) - asyncio.get_running_loop().time()
        cards = await self._explainer.explain(result.cards, self._beside, 1000.0 * left_s)
        return replace(result, cards=cards)

    def _holding(self, memory: ScanMemory) -> Beside:
        """Runs pixel work beside the event loop; the crops stay reserved until it is done.

        Whoever has given up waiting for it changes nothing about that.
        """

        async def beside(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
            def inside() -> T:
                with memory:
                    return work(*args, **kwargs)

            return await self._beside(inside)

        return beside

    async def _beside(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs pixel work in a thread.

        Threads cannot be stopped: one that nobody waits for any more keeps a permit until it is done, or the
        next scan would find the thread taken.
        """
        future = self._threads.submit(work, *args, **kwargs)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            self._admission.keep_until(future)
            raise


def _is_back(read: ReadCard, answer: Identification, card_filter: CardFilter) -> bool:
    """Whether a crop shows a card's back: it looks like one, and like no front that the gallery knows.

    Where not all of the gallery was asked, or there was no time to look at its pictures, nobody knows.
    """
    unsure = {Degraded.SEARCH_TIMEOUT, Degraded.VERIFICATION_SKIPPED}
    asked = card_filter == CardFilter() and not unsure.intersection(answer.degraded)
    return asked and read.looks_like_back and answer.confidence.card < 0.5


def _stored_pictures(
    scan: ReadScan, matches: Sequence[Match], memory: ScanMemory
) -> tuple[StoredImage, list[StoredImage]]:
    with memory:
        crops = [match.upright(card.crop) for card, match in zip(scan.cards, matches, strict=True)]
        return as_jpeg(scan.image, SCAN_JPEG_QUALITY), [as_jpeg(crop, CROP_JPEG_QUALITY) for crop in crops]


def _timings(seen: Recognised, started: float) -> dict[str, float]:
    return {
        **seen.scan.timings_ms,
        "embed": seen.timings.embed_ms,
        "search": seen.timings.search_ms,
        "verify": seen.verify_ms,
        "total": (time.perf_counter() - started) * 1000.0,
    }


def _request_hash(data: bytes, options: IdentifyOptions) -> str:
    digest = hashlib.sha256(data)
    digest.update(repr(options).encode())
    return digest.hexdigest()
