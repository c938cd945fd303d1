"""The recogniser of the extra `ocr` on lines drawn here."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.domain.types import RgbImage
from app.inference.openvino_graph import import_openvino
from app.inference.text_reader import OpenVinoTextReader, find_recogniser

pytestmark = pytest.mark.skipif(find_recogniser() is None, reason="the extra `ocr` is not installed")

LINES = ("201/198", "TG12/TG30", "SWSH001", "4/102", "12a")


@pytest.fixture(scope="module")
def reader() -> OpenVinoTextReader:
    path = find_recogniser()
    assert path is not None
    return OpenVinoTextReader(path, threads=1)


def line(text: str, scale: float = 0.5) -> RgbImage:
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    picture = np.full((height + below + 6, width + 12, 3), 235, np.uint8)
    at = (6, height + 3)
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (20, 20, 30), 1, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("text", LINES)
def test_numbers_are_read_letter_by_letter(reader: OpenVinoTextReader, text: str) -> None:
    (found,) = reader([line(text)])
    assert found.text.strip() == text
    assert found.confidence > 0.75


def test_a_kept_network_reads_the_same_and_is_made_once(tmp_path: Path) -> None:
    path = find_recogniser()
    assert path is not None
    strips = [line(text) for text in LINES]
    first = OpenVinoTextReader(path, threads=1, cache_dir=tmp_path / "cache")(strips)
    made = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()}
    again = OpenVinoTextReader(path, threads=1, cache_dir=tmp_path / "cache")(strips)
    assert [one.text.strip() for one in first] == list(LINES)
    assert first == again
    assert made == {file.name: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()}


def test_a_network_that_cannot_be_kept_is_read_from_the_package(tmp_path: Path) -> None:
    path = find_recogniser()
    assert path is not None
    (tmp_path / "cache").write_text("a file where a folder should be")
    (found,) = OpenVinoTextReader(path, threads=1, cache_dir=tmp_path / "cache")([line(LINES[0])])
    assert found.text.strip() == LINES[0]


@pytest.mark.parametrize("damage", ["weights cut short", "weights gone", "no description"])
def test_a_damaged_kept_network_is_thrown_away_and_the_package_read(tmp_path: Path, damage: str) -> None:
    path = find_recogniser()
    assert path is not None
    OpenVinoTextReader(path, threads=1, cache_dir=tmp_path)([line(LINES[0])])
    (weights,) = tmp_path.glob("*.bin")
    whole = weights.read_bytes()
    weights.unlink()
    if damage != "weights gone":
        weights.write_bytes(whole[:1000] if damage == "weights cut short" else whole)
    if damage == "no description":
        (description,) = tmp_path.glob("*.xml")
        description.write_bytes(b"<net")
    for _ in range(2):
        (found,) = OpenVinoTextReader(path, threads=1, cache_dir=tmp_path)([line(LINES[0])])
        assert found.text.strip() == LINES[0]
    assert next(iter(tmp_path.glob("*.bin"))).read_bytes() == whole


def test_a_full_disk_keeps_nobody_from_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = find_recogniser()
    assert path is not None

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("basic_ios::clear: iostream error")

    monkeypatch.setattr(import_openvino(), "save_model", fail)
    (found,) = OpenVinoTextReader(path, threads=1, cache_dir=tmp_path)([line(LINES[0])])
    assert found.text.strip() == LINES[0]
    assert not list(tmp_path.iterdir())


def test_an_even_strip_holds_no_text(reader: OpenVinoTextReader) -> None:
    (found,) = reader([np.full((30, 120, 3), 128, np.uint8)])
    assert found.text.strip() == ""


def test_no_strips_give_no_readings(reader: OpenVinoTextReader) -> None:
    assert reader([]) == []


def test_several_threads_may_read_at_once(reader: OpenVinoTextReader) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda text: reader([line(text)])[0].text.strip(), LINES * 4))
    assert found == list(LINES * 4)


def test_the_package_is_never_imported() -> None:
    code = (
        "import sys; from app.inference.text_reader import OpenVinoTextReader, find_recogniser;"
        "OpenVinoTextReader(find_recogniser(), 1).warm_up();"
        "assert not {'rapidocr', 'onnxruntime', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
