"""Pages of mapped files are given back, and nothing else is."""

from __future__ import annotations

import mmap
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest

from app.inference import mapped_file
from app.inference.mapped_file import MappedFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the list of mappings is Linux'")

SIZE = 8 * 1024 * 1024
Mapper = Callable[[Path], mmap.mmap]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"w" * SIZE)
    return path


@pytest.fixture
def map_file() -> Iterator[Mapper]:
    """Maps a file until the test ends."""
    with ExitStack() as until_the_end:

        def map_one(path: Path) -> mmap.mmap:
            file = until_the_end.enter_context(path.open("rb"))
            return until_the_end.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

        yield map_one


def resident_kb(path: Path) -> list[int]:
    """How much of each mapping of the file this process has in memory, as the kernel says."""
    blocks = Path("/proc/self/smaps").read_text().split(str(path))[1:]
    return [int(block.split("Rss:")[1].split()[0]) for block in blocks]


def read(mapping: mmap.mmap) -> None:
    assert mapping[:].count(b"w") == SIZE


def wait_until_given_back(path: Path) -> None:
    waits_until_s = time.monotonic() + 20
    while any(resident_kb(path)) and time.monotonic() < waits_until_s:
        time.sleep(0.001)
    assert resident_kb(path) == [0]


def releasing_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "weights-release"]


def test_what_was_read_is_given_back_and_can_be_read_again(path: Path, map_file: Mapper) -> None:
    with MappedFile.made_within(path) as mapped:
        mapping = map_file(path)
    read(mapping)
    assert mapped.mapped_bytes == SIZE
    assert sum(resident_kb(path)) > 0
    mapped.release()
    assert resident_kb(path) == [0]
    read(mapping)


def test_every_mapping_that_the_block_made_is_given_back(path: Path, map_file: Mapper) -> None:
    with MappedFile.made_within(path) as mapped:
        mappings = map_file(path), map_file(path)
    for mapping in mappings:
        read(mapping)
    mapped.release()
    assert sum(resident_kb(path)) == 0


def test_a_mapping_of_somebody_else_is_left_alone_be_it_earlier_later_or_of_a_file_of_the_same_name(
    path: Path, map_file: Mapper
) -> None:
    other = path.parent / "other" / path.name
    other.parent.mkdir()
    other.write_bytes(path.read_bytes())
    earlier = map_file(path)
    with MappedFile.made_within(path) as mapped:
        map_file(other)
    later = map_file(path)
    for mapping in (earlier, later):
        read(mapping)
    mapped.release()
    assert mapped.ranges == ()
    assert sum(resident_kb(path)) > 0


def test_a_mapping_that_is_listed_in_pieces_meanwhile_stays_its_owners(path: Path, tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.write_text(f"1000-5000 r--s 00000000 08:01 12 {path}\n")
    with MappedFile.made_within(path, maps) as mapped:
        maps.write_text(
            f"1000-3000 r--s 00000000 08:01 12 {path}\n3000-5000 r--s 00002000 08:01 12 {path}\n"
            f"8000-9000 r--s 00000000 08:01 12 {path}\n"
        )
    assert mapped.ranges == ((0x8000, 0x1000),)


def test_a_mapping_that_can_be_written_is_left_alone(path: Path, map_file: Mapper) -> None:
    with path.open("r+b") as file:
        with MappedFile.made_within(path) as mapped:
            writable = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            map_file(path)
        with writable:
            writable[:4] = b"mine"
            mapped.release()
            assert (mapped.mapped_bytes, writable[:5]) == (SIZE, b"minew")


def test_a_file_that_is_not_mapped_or_a_system_that_does_not_say_so_changes_nothing(path: Path) -> None:
    for maps in (Path("/proc/self/maps"), path.parent / "absent"):
        with MappedFile.made_within(path, maps) as mapped:
            pass
        with mapped.releasing_periodically():
            assert not releasing_threads()
        mapped.release()
        assert mapped.mapped_bytes == 0


def test_pages_are_given_back_again_and_again_while_the_file_is_read_and_no_thread_stays(
    path: Path, map_file: Mapper
) -> None:
    with MappedFile.made_within(path) as mapped:
        mapping = map_file(path)
    with pytest.raises(LookupError), mapped.releasing_periodically():
        for _ in range(2):
            read(mapping)
            wait_until_given_back(path)
        assert releasing_threads()
        raise LookupError("what reads may fail")
    assert not releasing_threads()


def test_pages_are_given_back_after_each_pause_until_reading_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    waited_s: list[float] = []
    released: list[int] = []

    class Finished:
        def wait(self, timeout_s: float) -> bool:
            waited_s.append(timeout_s)
            return len(waited_s) == 3

    monkeypatch.setattr(MappedFile, "release", lambda self: released.append(1))
    MappedFile()._release_until(cast(threading.Event, Finished()))
    assert (waited_s, len(released)) == ([mapped_file._RELEASE_EVERY_S] * 3, 2)


def test_where_no_thread_can_be_started_the_file_is_read_all_the_same(
    path: Path, map_file: Mapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with MappedFile.made_within(path) as mapped:
        mapping = map_file(path)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with mapped.releasing_periodically():
        read(mapping)


def test_an_interrupt_while_the_thread_is_being_started_leaves_none(
    path: Path, map_file: Mapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def start_and_be_interrupted(self: threading.Thread) -> None:
        start(self)
        raise KeyboardInterrupt

    with MappedFile.made_within(path) as mapped:
        map_file(path)
    monkeypatch.setattr(threading.Thread, "start", start_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt), mapped.releasing_periodically():
        pass
    assert not releasing_threads()
