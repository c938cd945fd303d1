"""Pages of mapped files are given back, and nothing else is."""

from __future__ import annotations

import mmap
import sys
import threading
import time
from pathlib import Path

import pytest

from app.inference.mapped_file import MappedFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the list of mappings is Linux'")

SIZE = 8 * 1024 * 1024


def resident_kb(path: Path) -> int:
    """How much of the file this process has in memory, as the kernel says."""
    blocks = Path("/proc/self/smaps").read_text().split(str(path))
    return int(blocks[1].split("Rss:")[1].split()[0])


def test_what_was_read_is_given_back_and_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"w" * SIZE)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
        assert mapping[:].count(b"w") == SIZE
        mapped = MappedFile(path)
        assert (mapped.mapped_bytes, resident_kb(path)) == (SIZE, SIZE // 1024)
        mapped.release()
        assert resident_kb(path) == 0
        assert mapping[:].count(b"w") == SIZE


def test_a_mapping_that_can_be_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"w" * SIZE)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as mapping:
        mapping[:4] = b"mine"
        mapped = MappedFile(path)
        mapped.release()
        assert mapped.mapped_bytes == 0
        assert mapping[:5] == b"minew"


def test_a_file_that_is_not_mapped_or_a_system_that_does_not_say_so_changes_nothing(tmp_path: Path) -> None:
    for maps in (Path("/proc/self/maps"), tmp_path / "absent"):
        mapped = MappedFile(tmp_path / "weights.bin", maps)
        mapped.release()
        assert mapped.mapped_bytes == 0


def test_pages_are_given_back_while_the_file_is_being_read_and_no_thread_stays(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"w" * SIZE)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
        mapped, threads = MappedFile(path), threading.active_count()
        with pytest.raises(LookupError), mapped.released_while_read():
            assert mapping[:].count(b"w") == SIZE
            waits_until = time.monotonic() + 20
            while resident_kb(path) and time.monotonic() < waits_until:
                time.sleep(0.001)
            assert resident_kb(path) == 0
            raise LookupError("what reads may fail")
        assert threading.active_count() == threads


def test_a_file_that_is_not_mapped_needs_no_thread_while_it_is_read(tmp_path: Path) -> None:
    threads = threading.active_count()
    with MappedFile(tmp_path / "weights.bin").released_while_read():
        assert threading.active_count() == threads
