"""What pixels alone decide is worked out once; what the gallery decides, each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from app.domain.errors import MemoryTight
from app.domain.types import EncoderInfo, RgbImage, Vectors
from app.services import reading
from app.services.identify import IdentifyOptions
from app.services.remembering import Remembered, RememberedVectors, RememberingEncoder
from app.settings import Settings
from tests.encoders import draw_crops
from tests.fakes.engine import TinyEncoder
from tests.fakes.service import fake_service, page_png


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path)


class CountingEncoder:
    """Notes how many crops each call embeds; refuses when told to."""

    def __init__(self) -> None:
        self._encoder = TinyEncoder()
        self.calls: list[int] = []
        self.refuses = False

    @property
    def info(self) -> EncoderInfo:
        return self._encoder.info

    async def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        if self.refuses:
            raise MemoryTight("no room")
        self.calls.append(len(crops))
        return await self._encoder.encode(crops)


async def test_crops_that_are_alike_are_embedded_once_and_get_the_same_vector() -> None:
    encoder, (a, b) = CountingEncoder(), draw_crops(2)
    vectors = await RememberingEncoder(encoder).encode([a, b, a.copy(), a])
    assert encoder.calls == [2]
    expected = await TinyEncoder().encode([a, b])
    np.testing.assert_array_equal(vectors, expected[[0, 1, 0, 0]])


async def test_only_crops_not_seen_lately_are_embedded() -> None:
    encoder, (a, b, c) = CountingEncoder(), draw_crops(3)
    remembering = RememberingEncoder(encoder, capacity=2)
    first = await remembering.encode([a, b])
    again = await remembering.encode([b, a])
    np.testing.assert_array_equal(again, first[::-1])
    await remembering.encode([c])
    await remembering.encode([a, b])
    assert encoder.calls == [2, 0, 1, 1]


async def test_a_crop_turned_round_or_of_another_shape_is_another_crop() -> None:
    encoder, [crop] = CountingEncoder(), draw_crops(1)
    other = crop.reshape(crop.shape[1], crop.shape[0], 3)
    await RememberingEncoder(encoder).encode([crop, crop[::-1, ::-1], other])
    assert encoder.calls == [3]


async def test_vectors_handed_out_may_be_changed_without_changing_what_is_remembered() -> None:
    remembering, [crop] = RememberingEncoder(CountingEncoder()), draw_crops(1)
    first = await remembering.encode([crop])
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(await remembering.encode([crop]), kept)


async def test_nothing_is_remembered_of_a_batch_that_was_refused() -> None:
    encoder, [crop] = CountingEncoder(), draw_crops(1)
    remembering = RememberingEncoder(encoder)
    encoder.refuses = True
    with pytest.raises(MemoryTight):
        await remembering.encode([crop])
    encoder.refuses = False
    await remembering.encode([crop])
    assert encoder.calls == [1]


async def test_no_crops_are_no_vectors() -> None:
    assert (await RememberingEncoder(CountingEncoder()).encode([])).shape == (0, TinyEncoder().info.dimension)


async def test_a_vector_takes_the_place_of_the_one_that_was_asked_for_longest_ago() -> None:
    encoder, crops = CountingEncoder(), draw_crops(3)
    remembering = RememberingEncoder(encoder, capacity=2)
    expected = await TinyEncoder().encode(crops)
    await remembering.encode(crops[:2])
    await remembering.encode(crops[:1])  # asked for again: the second is the oldest now
    await remembering.encode(crops[2:])
    np.testing.assert_array_equal(await remembering.encode([crops[0], crops[2]]), expected[[0, 2]])
    assert encoder.calls == [2, 0, 1, 0]
    np.testing.assert_array_equal(await remembering.encode(crops[1:2]), expected[1:2])
    assert encoder.calls == [2, 0, 1, 0, 1]


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    remembered: Remembered[int] = Remembered(2)
    remembered.put("a", 1)
    remembered.put("b", 2)
    assert remembered.get("a") == 1
    remembered.put("c", 3)
    assert (remembered.get("a"), remembered.get("b"), remembered.get("c")) == (1, None, 3)


async def test_the_same_picture_again_is_a_scan_of_its_own_whose_cards_are_not_looked_for_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    detect = reading.detect_cards
    monkeypatch.setattr(
        reading, "detect_cards", lambda image, finder: looked.append(1) or detect(image, finder)
    )
    async with fake_service(settings) as service:
        page = page_png(1, 2)
        first, _ = await service.runtime.identify.identify(page, IdentifyOptions())
        second, is_new = await service.runtime.identify.identify(page, IdentifyOptions())
        assert is_new
        assert len(looked) == 1
        assert len(service.scans.scans) == 2
        ids = {card.detection_id for scan in (first, second) for card in scan.cards}
        assert len(ids) == 4
        assert [card.card for card in second.cards] == [card.card for card in first.cards]
        await service.gallery.remove_cards([first.cards[0].card.card_id])
        third, _ = await service.runtime.identify.identify(page, IdentifyOptions())
        assert third.cards[0].card != first.cards[0].card
        assert len(looked) == 1


def test_a_vector_of_another_dimension_is_refused_and_nothing_is_lost() -> None:
    kept = RememberedVectors(1, 2)
    kept.put("a", np.array([1, 2], np.float32))
    with pytest.raises(ValueError, match="shape"):
        kept.put("b", np.array([1], np.float32))
    np.testing.assert_array_equal(kept.get("a"), [1, 2])


def test_no_room_keeps_nothing() -> None:
    kept = RememberedVectors(0, 2)
    kept.put("a", np.array([1, 2], np.float32))
    assert kept.get("a") is None
