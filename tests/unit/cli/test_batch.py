"""Which pictures a folder has, and how many of them are worked on at once."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.cli import batch
from app.cli.batch import Looked, find_pictures, identify_each
from app.cli.overlay import overlay_paths, write_overlay
from app.domain.errors import BrokenImage, Busy, ConfigurationError, DatabaseUnavailable, MemoryTight
from app.services.admission import Admission
from app.services.identify import IdentifyOptions
from app.settings import Settings
from app.vision.decode import encode_jpeg
from tests.fakes.engine import FakeGuard
from tests.integration.db.builders import scan


class Service:
    """In the place of the wired service: a real admission, and what a test says of each picture."""

    def __init__(self, permits: int = 2, **errors: list[Exception]) -> None:
        self.admission = Admission(permits, FakeGuard())
        self.identify = SimpleNamespace(admission=self.admission.permit, identify=self._identify)
        self._errors = errors
        self.seen: list[str] = []
        self.most = 0

    async def _identify(self, data: bytes, _options: IdentifyOptions):
        name = data.decode()
        self.seen.append(name)
        self.most = max(self.most, self.admission.taken)
        await asyncio.sleep(0.02 if name == "p1" else 0.001)  # the first of all takes longest
        if self._errors.get(name):
            raise self._errors[name].pop()
        return scan(), True


def pictures(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(Path(name).stem.encode())
    return [folder / name for name in names]


def test_a_folder_is_read_to_its_bottom_in_the_order_that_people_count_in(tmp_path: Path) -> None:
    names = [
        "binder 2/page 2.jpg",
        "binder 2/page 10.JPG",
        "binder 10/page 1.heic",
        "loose/1/a.png",
        "z.webp",
    ]
    expected = pictures(tmp_path / "cards", *names)
    pictures(tmp_path / "cards", "notes.txt", ".hidden.jpg", ".thumbnails/a.jpg", "binder 2/page 2.jpg.part")
    assert find_pictures([tmp_path / "cards"]) == expected
    [single] = pictures(tmp_path, "named.bin")
    assert find_pictures([single, tmp_path / "cards" / "loose"]) == [single, expected[3]]


def test_pictures_that_were_drawn_are_not_looked_at(tmp_path: Path) -> None:
    photos = pictures(tmp_path / "cards", "a.jpg", "b.found.jpg")
    (drawn,) = overlay_paths(tmp_path / "cards" / "found", photos[:1]).values()
    write_overlay(drawn, encode_jpeg(np.full((60, 80, 3), 90, np.uint8), 90), scan(), Settings())
    assert drawn.exists()
    assert find_pictures([tmp_path / "cards"]) == photos
    assert find_pictures([drawn]) == [drawn], "whoever names it means it"


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    pictures(tmp_path, "notes.txt")
    with pytest.raises(ConfigurationError, match=r"has no pictures \(\.heic, "):
        find_pictures([tmp_path])


async def test_as_many_are_worked_on_as_there_are_permits_and_they_come_in_order(tmp_path: Path) -> None:
    paths = pictures(tmp_path, *(f"p{number}.jpg" for number in range(1, 9)))
    service, taken = Service(permits=3), []
    assert await identify_each(service, paths, IdentifyOptions(), taken.append)
    assert [looked.path for looked in taken] == paths
    assert service.most == 3
    assert all(looked.result is not None for looked in taken)


async def test_what_fails_is_told_in_one_line_and_the_others_go_on(tmp_path: Path) -> None:
    paths = pictures(tmp_path, "p1.jpg", "p2.jpg", "p3.jpg")
    paths.insert(1, tmp_path / "missing.jpg")
    taken: list[Looked] = []
    service = Service(p2=[BrokenImage("the JPEG is truncated")])
    assert await identify_each(service, paths, IdentifyOptions(), taken.append)
    assert [looked.trouble for looked in taken] == [
        None,
        f"cannot read {tmp_path / 'missing.jpg'}: No such file or directory",
        f"{tmp_path / 'p2.jpg'}: the JPEG is truncated",
        None,
    ]


async def test_a_picture_waits_for_room_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_pause_s", lambda error: 0.001)
    paths = pictures(tmp_path, "p1.jpg", "p2.jpg")
    taken: list[Looked] = []
    service = Service(p1=[MemoryTight("tight"), Busy("busy")], p2=[MemoryTight("tight")] * 100)
    assert await identify_each(service, paths, IdentifyOptions(), taken.append)
    assert taken[0].result is not None
    assert taken[1].trouble == f"{tmp_path / 'p2.jpg'}: tight"


async def test_a_service_that_is_gone_ends_the_run_with_nothing_left_behind(tmp_path: Path) -> None:
    paths = pictures(tmp_path, *(f"p{number}.jpg" for number in range(1, 9)))
    taken: list[Looked] = []
    service = Service(permits=2, p3=[DatabaseUnavailable("away")])
    with pytest.raises(DatabaseUnavailable):
        await identify_each(service, paths, IdentifyOptions(), taken.append)
    assert [looked.path for looked in taken] == paths[:2]
    assert service.admission.taken == 0
    assert len(asyncio.all_tasks()) == 1


async def test_what_is_done_is_passed_over(tmp_path: Path) -> None:
    paths = pictures(tmp_path, "p1.jpg", "p2.jpg")
    service, taken = Service(), []
    assert await identify_each(
        service, paths, IdentifyOptions(), taken.append, is_done=lambda path, _sha256: path == paths[0]
    )
    assert [looked.was_done for looked in taken] == [True, False]
    assert service.seen == ["p2"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_run_finishes_what_it_has_begun(tmp_path: Path, number: signal.Signals) -> None:
    paths = pictures(tmp_path, *(f"p{number}.jpg" for number in range(1, 9)))
    before = signal.getsignal(number)
    taken: list[Looked] = []

    def take(looked: Looked) -> None:
        taken.append(looked)
        if len(taken) == 2:
            os.kill(os.getpid(), number)

    service = Service(permits=2)
    assert not await identify_each(service, paths, IdentifyOptions(), take)
    assert 2 <= len(taken) <= 5
    assert [looked.path for looked in taken] == paths[: len(taken)]
    assert len(service.seen) == len(taken)
    assert signal.getsignal(number) == before
