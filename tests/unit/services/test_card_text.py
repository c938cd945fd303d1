"""Open printings told apart by what is printed on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ParamSpec, TypeVar

import numpy as np
import pytest

from app.domain.calibration import UNCALIBRATED, Calibration, Calibrations
from app.domain.errors import EncoderInvalid
from app.domain.ranking import rank
from app.domain.reading_evidence import Reading, TextReader, Verdict
from app.domain.types import RgbImage, StoredImage, TemplateHit, TemplateSource
from app.inference import text_reader
from app.inference.text_reader import OpenVinoTextReader, find_recogniser, load_text_reader
from app.services.card_text import CardTexts
from app.services.matching import Match
from app.services.reading import as_jpeg
from app.services.verification import Verifier
from app.settings import Settings
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.vision.local_features import make_features

SEED = 7305
PLAIN = Calibration(-8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.3)
#: Every picture is sure and no printing ever is; differences count nothing, so text alone decides.
OPEN = Calibration(
    20.0,
    0.0,
    0.0,
    0.02,
    0.5,
    0.9999,
    0.0,
    standing_agreement=0.6,
    difference_nats=0.0,
    text_nats=2.5,
)
AMPLE_MS = 60_000.0

P = ParamSpec("P")
T = TypeVar("T")

needs_ocr = pytest.mark.skipif(find_recogniser() is None, reason="the extra `ocr` is not installed")


async def beside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return work(*args, **kwargs)


class Saying:
    """A reader that always reads the same, and notes what it was shown."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.strips: list[RgbImage] = []

    def __call__(self, strips: Sequence[RgbImage]) -> list[Reading]:
        self.strips.extend(strips)
        return [Reading(self.text, 0.99) for _ in strips]


class Pictures:
    def __init__(self, drawn: dict[str, RgbImage]) -> None:
        self._drawn = drawn

    async def learnt_features_of(self, card_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        return {}

    async def features_of(self, card_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        return {one: (make_features(self._drawn[one]),) for one in card_ids}

    async def pictures_of(self, card_ids: Sequence[str]) -> dict[str, StoredImage]:
        return {one: as_jpeg(self._drawn[one], 90) for one in card_ids}


@pytest.fixture(scope="module")
def cards() -> list[InventedCard]:
    return invent_catalogue(SEED, 40, reprint_share=0.6, foil_share=0, language_share=0)


@pytest.fixture(scope="module")
def pair(cards) -> tuple[InventedCard, InventedCard]:
    """One picture printed twice in the same frame."""
    for again in reversed(cards):
        first = next(card for card in cards if card.artwork_id == again.artwork_id)
        if first is not again and first.frame == again.frame:
            return first, again
    raise AssertionError("the catalogue has no reprint in the same frame")


async def named(
    cards: list[InventedCard],
    pair: tuple[InventedCard, InventedCard],
    reader: TextReader | None,
    calibration: Calibration = OPEN,
    *,
    budget_ms: float = AMPLE_MS,
    upside_down: bool = False,
    closer: Callable[[RgbImage], RgbImage] | None = None,
) -> Match:
    """A photo of the second printing, which the search takes for the first."""
    first, again = pair
    others = [card for card in cards if card.artwork_id != first.artwork_id][:5]
    shown = [first, again, *others]
    drawn = {card.card.card_id: draw_card(card, 528) for card in shown}
    artworks = list(dict.fromkeys(card.artwork_id for card in shown))
    hits = [
        TemplateHit(0, card.card, artworks.index(card.artwork_id), similarity, TemplateSource.OFFICIAL)
        for card, similarity in zip(shown, (0.71, 0.70, 0.3, 0.29, 0.28, 0.27, 0.26), strict=True)
    ]
    crop = drawn[again.card.card_id]
    if upside_down:
        crop = np.ascontiguousarray(crop[::-1, ::-1])
    verifier = Verifier(
        Pictures(drawn),
        Calibrations(PLAIN, UNCALIBRATED, calibration),
        budget_ms,
        texts=None if reader is None else CardTexts(reader),
    )
    larger = None if closer is None else lambda _index: closer(crop)
    match = Match(rank(hits), upside_down=upside_down)
    (verified,), _ = await verifier.verify([crop], [match], beside, larger)
    return verified


async def test_the_printing_whose_number_is_read_leads(cards, pair) -> None:
    _, again = pair
    reader = Saying(again.card.number or "")
    match = await named(cards, pair, reader)
    best = match.ranking.best
    assert best is not None
    assert best.card == again.card
    assert best.text is Verdict.AGREES
    assert {one.text for one in match.ranking.members()[1:]} == {Verdict.CONTRADICTS}
    assert 0 < len(reader.strips) <= 3


@pytest.mark.parametrize("text", ["", "77/78", "No. 025", "the rules"])
async def test_text_that_fits_no_printing_changes_nothing(cards, pair, text: str) -> None:
    read, without = await named(cards, pair, Saying(text)), await named(cards, pair, None)
    assert [one.standing for one in read.ranking.cards] == [one.standing for one in without.ranking.cards]
    assert {one.text for one in read.ranking.members()} == {Verdict.SILENT}


async def test_a_card_whose_printing_is_accepted_is_not_read(cards, pair) -> None:
    reader = Saying("77/78")
    sure = replace(OPEN, accept_printing=0.2)
    match = await named(cards, pair, reader, sure)
    assert reader.strips == []
    assert all(one.text is None for one in match.ranking.cards)


async def test_a_card_whose_picture_is_not_sure_is_not_read(cards, pair) -> None:
    reader = Saying("77/78")
    await named(cards, pair, reader, replace(OPEN, bias=0.0, accept_card=0.99))
    assert reader.strips == []


async def test_nothing_is_read_where_nobody_fitted_what_it_is_worth(cards, pair) -> None:
    reader = Saying("77/78")
    await named(cards, pair, reader, replace(OPEN, text_nats=0.0))
    assert reader.strips == []


async def test_nothing_is_read_without_time_left(cards, pair) -> None:
    reader = Saying("77/78")
    await named(cards, pair, reader, budget_ms=0.0)
    assert reader.strips == []


async def test_the_closer_picture_is_read_the_right_way_up(cards, pair) -> None:
    reader, upright = Saying(""), Saying("")
    await named(cards, pair, upright)
    await named(cards, pair, reader, upside_down=True, closer=lambda crop: crop)
    assert len(reader.strips) == len(upright.strips)
    for one, other in zip(reader.strips, upright.strips, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 8


@needs_ocr
async def test_the_number_on_a_card_is_read_and_decides(cards, pair) -> None:
    path = find_recogniser()
    assert path is not None
    match = await named(cards, pair, OpenVinoTextReader(path, threads=1))
    best = match.ranking.best
    assert best is not None
    assert best.card == pair[1].card
    assert best.text is Verdict.AGREES


def fitted(weight: float) -> Calibrations:
    return Calibrations(PLAIN, UNCALIBRATED, replace(OPEN, text_nats=weight))


def test_no_reader_is_loaded_where_it_is_off_or_of_no_use() -> None:
    assert load_text_reader(Settings(ocr="off", _env_file=None), fitted(2.5)) is None
    assert load_text_reader(Settings(_env_file=None), fitted(0.0)) is None
    assert load_text_reader(Settings(_env_file=None), Calibrations(PLAIN, PLAIN)) is None


def test_without_the_extra_the_service_goes_without_a_reader(monkeypatch) -> None:
    monkeypatch.setattr(text_reader.importlib.util, "find_spec", lambda _name: None)
    assert find_recogniser() is None
    assert load_text_reader(Settings(_env_file=None), fitted(2.5)) is None


def test_another_recogniser_than_the_measured_one_is_left_out(monkeypatch, tmp_path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"something else")
    with pytest.raises(EncoderInvalid, match="another recogniser"):
        OpenVinoTextReader(other).warm_up()
    monkeypatch.setattr(text_reader, "find_recogniser", lambda: other)
    assert load_text_reader(Settings(_env_file=None), fitted(2.5)) is None
