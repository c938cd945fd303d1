"""Which pictures a quantised encoder is judged by."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.domain.errors import ManifestError
from app.domain.types import RgbImage, StoredImage
from app.services import card_samples
from app.services.card_samples import sample_of_files, sample_of_gallery, sample_of_invented_cards
from app.settings import Settings
from app.vision.decode import encode_jpeg

JUDGED = 12


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing cards takes time; how many there are changes nothing about how they are chosen."""
    monkeypatch.setattr(card_samples, "JUDGED_PICTURES", JUDGED)


@pytest.fixture
def settings() -> Settings:
    return Settings(_env_file=None)


def plain_pictures(count: int) -> list[RgbImage]:
    """Pictures that differ; no card would be drawn so small."""
    rng = np.random.default_rng(5)
    blocks = rng.integers(0, 256, (count, 4, 3, 3), dtype=np.uint8)
    return [np.asarray(block.repeat(20, axis=0).repeat(20, axis=1)) for block in blocks]


def stored_pictures(count: int) -> list[tuple[str, StoredImage]]:
    encoded = [encode_jpeg(picture, 90) for picture in plain_pictures(count)]
    return sorted((hashlib.sha256(data).hexdigest(), StoredImage("image/jpeg", data)) for data in encoded)


def test_no_gallery_is_needed_for_a_sample_of_invented_cards() -> None:
    sample = sample_of_invented_cards()
    assert (sample.source, len(sample.pictures)) == ("invented", JUDGED)
    assert len({picture.tobytes() for picture in sample.pictures}) == JUDGED


def test_invented_cards_are_the_same_every_time() -> None:
    first, again = sample_of_invented_cards(), sample_of_invented_cards()
    np.testing.assert_array_equal(first.pictures[1], again.pictures[1])


def test_the_gallery_s_own_pictures_are_taken_and_none_of_them_twice(settings: Settings) -> None:
    sample = sample_of_gallery(stored_pictures(60), settings)
    assert (sample.source, len(sample.pictures)) == ("gallery", JUDGED)
    assert all(picture.shape == (80, 60, 3) for picture in sample.pictures)
    assert len({picture.tobytes() for picture in sample.pictures}) == JUDGED


def test_a_small_gallery_is_made_up_with_invented_cards_and_says_so(settings: Settings) -> None:
    sample = sample_of_gallery(stored_pictures(4), settings)
    assert (sample.source, len(sample.pictures)) == ("mixed", JUDGED)


def test_a_picture_that_cannot_be_decoded_is_passed_over(settings: Settings) -> None:
    broken = [(f"{digit:x}" + "0" * 63, StoredImage("image/jpeg", b"no picture")) for digit in range(16)]
    sample = sample_of_gallery([*broken, *stored_pictures(60)], settings)
    assert (sample.source, len(sample.pictures)) == ("gallery", JUDGED)


def test_a_folder_of_pictures_is_a_sample_as_a_manifest_is(settings: Settings, tmp_path: Path) -> None:
    rows = ["card_id,name,image"]
    for number, picture in enumerate(plain_pictures(60)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
        rows.append(f"{number},Card {number},{number}.png")
    (tmp_path / "cards.csv").write_text("\n".join(rows))
    by_folder = sample_of_files(tmp_path, settings)
    by_manifest = sample_of_files(tmp_path / "cards.csv", settings)
    assert by_folder.source == by_manifest.source == "files"
    assert [p.tobytes() for p in by_folder.pictures] == [p.tobytes() for p in by_manifest.pictures]


def test_a_folder_without_a_picture_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no picture"):
        sample_of_files(tmp_path, settings)


def test_a_picture_larger_than_a_rectified_card_is_made_smaller(settings: Settings) -> None:
    data = encode_jpeg(np.zeros((1056, 756, 3), dtype=np.uint8), 90)
    sample = sample_of_gallery([("f" * 64, StoredImage("image/jpeg", data))], settings)
    assert sample.pictures[0].shape == (528, 378, 3)
