"""The services that are measured, as named variants: what answers a page of cards, and how long it takes.

To measure another wiring of the services, give it a name and a builder in ``VARIANTS``. Those that want the
same gallery share it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from app.domain.calibration import Calibration, Calibrations
from app.domain.calibration_file import load_calibrations
from app.domain.errors import ConfigurationError
from app.domain.types import CardFilter, GridCell, Identification, RgbImage
from app.inference.catalogue import resolve_encoder
from app.inference.text_reader import OpenVinoTextReader, find_recogniser, load_text_reader
from app.services.answering import Answerer
from app.services.card_text import CardTexts
from app.services.matching import Matcher
from app.services.page_context import in_context
from app.services.reading import ReadCard, ReadScan
from app.services.runtime import Runtime
from app.services.verification import Verifier
from app.vision.quality import measure_quality
from benchmarks.simulator.geometry import box_quad

#: Candidates listed for each card, as many as the product gives by default.
CANDIDATES = 5

#: What a verdict of a text is worth where no fit says it: e to this power.
UNFITTED_TEXT_NATS = 2.0

#: Crops side by side in the picture of a page.
_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said about the cards of one page, in their order, and the milliseconds of each stage."""

    cards: Sequence[Identification]
    timings_ms: Mapping[str, float]


class Pipeline(Protocol):
    """Answers the cards of one page."""

    async def answer(self, scan: ReadScan) -> Answers:
        """Names every card of a scan that has been read."""
        ...


@dataclass(frozen=True, slots=True)
class ServicePipeline:
    """The product's own services."""

    matcher: Matcher
    answerer: Answerer
    verifier: Verifier | None = None
    #: Given where the sure cards of a page speak for the others.
    calibrations: Calibrations | None = None

    async def answer(self, scan: ReadScan) -> Answers:
        """Names every card of a scan that has been read."""
        everything = CardFilter()
        started = time.perf_counter()
        matches, stages = await self.matcher.match(
            [card.crop for card in scan.cards], everything, scan.lying()
        )
        scan = scan.on_their_sides([index for index, match in enumerate(matches) if match.sideways])
        matched = time.perf_counter()
        if self.verifier is not None:
            crops = [card.crop for card in scan.cards]
            matches, _ = await self.verifier.verify(crops, matches, asyncio.to_thread, scan.closer)
        verified = time.perf_counter()
        if self.calibrations is not None:
            matches = in_context(matches, self.calibrations)
        cards = await self.answerer.answer(scan, matches, CANDIDATES, everything)
        done = time.perf_counter()
        timings_ms = {name.removesuffix("_ms"): float(ms) for name, ms in dataclasses.asdict(stages).items()}
        timings_ms["verify"] = (verified - matched) * 1000.0
        timings_ms["answer"] = (done - verified) * 1000.0
        timings_ms["total"] = (done - started) * 1000.0
        return Answers(cards, timings_ms)


def as_served(runtime: Runtime) -> Pipeline:
    """The services as ``app.main`` wires them."""
    return _wired(runtime, _verifier(runtime), with_context=True)


def without_context(runtime: Runtime) -> Pipeline:
    """Each card by itself, as if it were alone in its picture."""
    return _wired(runtime, _verifier(runtime))


def unverified(runtime: Runtime) -> Pipeline:
    """What the search alone says."""
    return _wired(runtime, None)


def pictures_alone(runtime: Runtime) -> Pipeline:
    """Pictures verified, their printings not told apart."""
    return _wired(runtime, _verifier(runtime, compares_printings=False))


def printings_compared(runtime: Runtime) -> Pipeline:
    """Pictures verified and their printings compared; nothing read, each card by itself."""
    return _wired(runtime, _verifier(runtime, reads=False))


def without_text(runtime: Runtime) -> Pipeline:
    """Nothing is read off the cards."""
    return _wired(runtime, _verifier(runtime, reads=False), with_context=True)


def with_text(runtime: Runtime) -> Pipeline:
    """Text is read off cards whose printing is open, whatever the calibration says that is worth.

    Raises:
        ConfigurationError: the extra ``ocr`` is not installed.
    """
    path = find_recogniser()
    if path is None:
        raise ConfigurationError("`with text` needs the extra: pip install 'binderlens[ocr]'")
    reader = OpenVinoTextReader(path, runtime.settings.encoder_threads)
    reader.warm_up()
    stated = _calibrations(runtime)
    calibrations = dataclasses.replace(
        stated,
        verified=_reading(stated.verified),
        verified_in_space=_reading(stated.verified_in_space),
    )
    budget_ms = runtime.settings.verification_budget_ms
    verifier = Verifier(runtime.references, calibrations, budget_ms, texts=CardTexts(reader))
    return _wired(runtime, verifier, with_context=True)


def _reading(calibration: Calibration | None) -> Calibration | None:
    """Constants by which text counts: their own, else ``UNFITTED_TEXT_NATS``."""
    if calibration is None or calibration.text_nats:
        return calibration
    return dataclasses.replace(calibration, text_nats=UNFITTED_TEXT_NATS)


def _verifier(runtime: Runtime, *, compares_printings: bool = True, reads: bool = True) -> Verifier:
    calibrations = _calibrations(runtime)
    reader = load_text_reader(runtime.settings, calibrations) if reads else None
    return Verifier(
        runtime.references,
        calibrations,
        runtime.settings.verification_budget_ms,
        compares_printings=compares_printings,
        texts=None if reader is None else CardTexts(reader),
    )


def _wired(runtime: Runtime, verifier: Verifier | None, *, with_context: bool = False) -> Pipeline:
    settings, calibrations = runtime.settings, _calibrations(runtime)
    matcher = Matcher(
        runtime.encoder,
        runtime.gallery,
        calibrations,
        settings.retrieval_topk,
        settings.retrieval_topk_retry,
    )
    answerer = Answerer(runtime.gallery, calibrations)
    return ServicePipeline(matcher, answerer, verifier, calibrations if with_context else None)


def _calibrations(runtime: Runtime) -> Calibrations:
    return load_calibrations(resolve_encoder(runtime.settings.models_dir, runtime.settings.encoder))


@dataclass(frozen=True, slots=True)
class Variant:
    """One wiring of the services.

    Attributes:
        build: Wires it over a gallery.
        whitening_exponent: Of the space that the gallery gets; None leaves that to the encoder's manifest.
    """

    build: Callable[[Runtime], Pipeline]
    whitening_exponent: float | None = None


#: Every wiring that can be measured, by the name that ``--ablation`` takes.
VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "as served": Variant(as_served),
        "without context": Variant(without_context),
        "without text": Variant(without_text),
        "with text": Variant(with_text),
        "printings compared": Variant(printings_compared),
        "pictures verified": Variant(pictures_alone),
        "unverified": Variant(unverified),
        "whitened": Variant(as_served, whitening_exponent=0.2),
        "unverified whitened": Variant(unverified, whitening_exponent=0.2),
    }
)


def page_of(crops: Sequence[RgbImage]) -> ReadScan:
    """Makes a scan of crops that have been cut out already: rows of three, each crop in its place.

    Args:
        crops: RGB uint8, all of one shape (height, width, 3).
    """
    height_px, width_px = crops[0].shape[:2]
    rows = -(-len(crops) // _COLUMNS)
    image = np.zeros((rows * height_px, _COLUMNS * width_px, 3), dtype=np.uint8)
    cards, cells = [], []
    for place, crop in enumerate(crops):
        row, column = divmod(place, _COLUMNS)
        top, left = row * height_px, column * width_px
        image[top : top + height_px, left : left + width_px] = crop
        quad_px = box_quad(left, top, width_px, height_px)
        cards.append(ReadCard(quad_px, 1.0, crop, measure_quality(crop, quad_px)))
        cells.append(GridCell(row, column))
    return ReadScan(image, "", tuple(cards), tuple(cells), {})
