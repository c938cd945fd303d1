"""The encoder is asked for the other way up only where it has to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.domain.calibration import PICTURES_ALONE, UNCALIBRATED, Calibration, Calibrations
from app.domain.types import CardFilter, RgbImage, TemplateHit, TemplateSource, Vectors
from app.services.matching import Match, Matcher
from app.services.reading import ReadCard, ReadScan
from app.services.recognition import Recognised, Recogniser
from app.services.verification import Verifier
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.vision.quality import measure_quality
from tests.fakes.engine import DIMENSION, ENCODER_INFO
from tests.unit.services.test_verification import AMPLE_MS, Pictures, beside, photo

SEED = 7304
#: Never clear by a search alone, nor by pictures.
DOUBTING = Calibration(-30.0, 0.0, 0.0, 0.02, 0.98, 0.9, 0.0)
UNFITTED = Calibrations(UNCALIBRATED, UNCALIBRATED, PICTURES_ALONE, PICTURES_ALONE)


class CountingEncoder:
    """Knows nothing of what it sees: how many crops it was given is all that counts."""

    info = ENCODER_INFO

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        self.batches.append(len(crops))
        return np.eye(len(crops), DIMENSION, dtype=np.float32)


class OneAnswer:
    """A gallery in which every card is about as similar to everything, the way up be what it may."""

    def __init__(self, cards: Sequence[InventedCard]) -> None:
        self._cards = cards

    async def search(
        self, vectors: Vectors, top_k: int, card_filter: CardFilter, *, learnt: bool = True
    ) -> list[TemplateHit]:
        return [
            TemplateHit(query, one.card, group, 0.9 - 0.001 * group, TemplateSource.OFFICIAL)
            for query in range(len(vectors))
            for group, one in enumerate(self._cards)
        ]

    async def check(self) -> None:
        """There is something in it."""


@pytest.fixture(scope="module")
def cards() -> list[InventedCard]:
    return invent_catalogue(SEED, 5, reprint_share=0, foil_share=0, language_share=0)


@pytest.fixture(scope="module")
def drawn(cards) -> dict[str, RgbImage]:
    return {card.card.card_id: draw_card(card, 528) for card in cards}


def scan_of(*crops: RgbImage) -> ReadScan:
    quad_px = np.array([[0, 0], [400, 0], [400, 560], [0, 560]], np.float64)
    read = [ReadCard(quad_px, 1.0, crop, measure_quality(crop, quad_px)) for crop in crops]
    return ReadScan(np.zeros((560, 400, 3), np.uint8), "0" * 64, tuple(read), (None,) * len(read), {})


async def recognised(
    cards: list[InventedCard], drawn: dict[str, RgbImage], scan: ReadScan, calibrations: Calibrations
) -> tuple[Recognised, list[int]]:
    encoder = CountingEncoder()
    matcher = Matcher(encoder, OneAnswer(cards), calibrations, 50, 25)  # type: ignore[arg-type]
    verifier = Verifier(Pictures(drawn), calibrations, AMPLE_MS)  # type: ignore[arg-type]
    found = await Recogniser(matcher, verifier, calibrations).recognise(scan, CardFilter(), beside)
    return found, encoder.batches


def named(found: Recognised) -> list[str | None]:
    return [None if (best := one.ranking.best) is None else best.card.card_id for one in found.matches]


async def test_a_card_whose_picture_agrees_is_embedded_once_by_an_encoder_nobody_has_fitted(
    cards, drawn
) -> None:
    ids = [card.card.card_id for card in cards]
    scan = scan_of(photo(drawn[ids[3]], 1), photo(drawn[ids[1]], 2))
    found, batches = await recognised(cards, drawn, scan, UNFITTED)
    assert batches == [2]
    assert named(found) == [ids[3], ids[1]]
    assert not any(match.upside_down for match in found.matches)
    assert found.verify_ms > 0


async def test_only_the_card_that_no_picture_agrees_with_is_turned_round(cards, drawn) -> None:
    ids = [card.card.card_id for card in cards]
    turned = np.ascontiguousarray(photo(drawn[ids[2]], 3)[::-1, ::-1])
    found, batches = await recognised(cards, drawn, scan_of(photo(drawn[ids[4]], 4), turned), UNFITTED)
    assert batches == [2, 1]
    assert named(found) == [ids[4], ids[2]]
    assert [match.upside_down for match in found.matches] == [False, True]


async def test_both_looks_at_a_page_share_its_time(cards, drawn, monkeypatch) -> None:
    spent_ms: list[float] = []
    verify = Verifier.verify

    async def noted(self: Verifier, *given: Any) -> tuple[list[Match], float]:
        spent_ms.append(given[4] if len(given) > 4 else 0.0)
        return await verify(self, *given)

    monkeypatch.setattr(Verifier, "verify", noted)
    turned = np.ascontiguousarray(photo(drawn[cards[2].card.card_id], 3)[::-1, ::-1])
    await recognised(cards, drawn, scan_of(turned), UNFITTED)
    first, second = spent_ms
    assert first == 0.0
    assert second > 0.0


async def test_where_searches_are_fitted_they_say_what_is_turned_round(cards, drawn) -> None:
    ids = [card.card.card_id for card in cards]
    fitted = replace(UNFITTED, plain=DOUBTING)
    found, batches = await recognised(cards, drawn, scan_of(photo(drawn[ids[0]], 5)), fitted)
    assert batches == [1, 1]
    assert named(found) == [ids[0]]


async def test_no_card_asks_nothing(cards, drawn) -> None:
    found, _ = await recognised(cards, drawn, scan_of(), UNFITTED)
    assert found.matches == []
    assert found.verify_ms == 0.0
