"""What comes through a pipe can be read as often as a file."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.cli.piped_file import readable_twice
from app.domain.errors import ConfigurationError

CONTENT = b"what backup wrote"


@contextmanager
def pipe_with_content() -> Iterator[int]:
    """The reading end of a pipe that has everything in it already."""
    reading, writing = os.pipe()
    os.write(writing, CONTENT)
    os.close(writing)
    try:
        yield reading
    finally:
        os.close(reading)


@contextmanager
def as_standard_input(descriptor: int) -> Iterator[None]:
    before = os.dup(0)
    os.dup2(descriptor, 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def read_twice(path: Path) -> list[bytes]:
    with readable_twice(path) as file:
        found = [file.read_bytes(), file.read_bytes()]
    assert file == path or not file.parent.exists()
    return found


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_is_read_through_a_copy_that_goes(name: str) -> None:
    with pipe_with_content() as pipe, as_standard_input(pipe):
        assert read_twice(Path(name)) == [CONTENT, CONTENT]


def test_a_file_that_the_shell_hands_in_is_read_through_a_copy(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    with (tmp_path / "file").open("rb") as file, as_standard_input(file.fileno()):
        assert read_twice(Path("/dev/stdin")) == [CONTENT, CONTENT]


def test_a_descriptor_is_read_through_a_copy() -> None:
    with pipe_with_content() as pipe:
        assert read_twice(Path(f"/dev/fd/{pipe}")) == [CONTENT, CONTENT]


def test_a_file_is_read_where_it_lies_and_one_that_is_missing_is_left_to_its_reader(tmp_path: Path) -> None:
    for name in ("file", "link", "missing"):
        path = tmp_path / name
        if name == "file":
            path.write_bytes(CONTENT)
        if name == "link":
            path.symlink_to(tmp_path / "file")
        with readable_twice(path) as found:
            assert found == path


def test_a_terminal_is_not_waited_for() -> None:
    ours, terminal = os.openpty()
    with as_standard_input(terminal), pytest.raises(ConfigurationError, match="is a terminal"):
        read_twice(Path("-"))
    os.close(ours)
    os.close(terminal)


def test_a_disk_without_room_for_the_copy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pipe_with_content() as pipe, as_standard_input(pipe), pytest.raises(ConfigurationError) as error:
        read_twice(Path("-"))
    assert "No space left on device; TMPDIR" in str(error.value)
