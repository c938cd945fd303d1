"""The file of ``identify --output``: it gathers answers, and a run that broke off goes on where it stopped.

The file is its own memory of what is done, so there is nothing beside it to lose or to fall out of step. A
picture's lines are written in one piece and flushed to the disk; what is cut off all the same is recognised
and done again. A picture that has changed is done again, too: its new lines come last, and count.
"""

from __future__ import annotations

import csv
import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO, Self

from app.cli.result_lines import Lines, Written
from app.domain.errors import ConfigurationError


class ResultFile:
    """An open file of answers, locked against other runs; to be used in a ``with``.

    Args:
        path: The file; made where it is not there.
        lines: Its form.
        restart: Whether to begin anew. Only a file of this form is emptied: a mistyped name costs nothing.

    Raises:
        ConfigurationError: the file cannot be used, is of another form, or another run writes it.
    """

    def __init__(self, path: Path, lines: Lines, *, restart: bool = False) -> None:
        self.path = path
        self._lines = lines
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _locked(path)
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
        self._has_old_lines = False
        try:
            self._sha256 = self._open(restart)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self._has_old_lines and kind is None:
                self._tidy(self._text())
        finally:
            self._file.close()

    def has(self, path: Path, sha256: str) -> bool:
        """Whether these bytes were answered under this name."""
        return self._sha256.get(self._lines.image(path)) == sha256

    def add(self, path: Path, sha256: str, text: str) -> None:
        """Writes the lines of one picture in one piece.

        Raises:
            ConfigurationError: there is no room, or the file cannot be written any more.
        """
        try:
            self._file.write(text.encode("utf-8"))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise ConfigurationError(f"cannot write {self.path}: {error.strerror}") from error
        image = self._lines.image(path)
        self._has_old_lines |= image in self._sha256
        self._sha256[image] = sha256

    def _open(self, restart: bool) -> dict[str, str]:
        """Reads what is done. Returns SHA-256 by picture."""
        try:
            text = self._text()
            done = self._tidy(text, has_nothing=restart)
        except (ValueError, csv.Error) as error:
            raise ConfigurationError(
                f"{self.path} is not a file that this command wrote in this form ({error}): name another one"
            ) from error
        return {one.image: one.sha256 for one in done}

    def _tidy(self, text: str, *, has_nothing: bool = False) -> list[Written]:
        """Takes out what was written in part, and of a picture that has changed the old lines."""
        latest = {one.image: one for one in (self._lines.read(text) if text else [])}
        kept = [] if has_nothing else list(latest.values())
        wanted = self._lines.header + "".join(one.text for one in kept)
        if wanted.encode("utf-8") != self._content():
            self._replace(wanted)
        return kept

    def _content(self) -> bytes:
        self._file.seek(0)
        return self._file.read()

    def _text(self) -> str:
        """All whole lines; a spreadsheet may have put a mark before them and ended them in its own way."""
        content = self._content()
        whole = content[: content.rfind(b"\n") + 1]
        start = self._lines.start.encode()
        if content and not whole and content[: len(start)] != start[: len(content)]:
            raise ValueError("it begins otherwise")
        return whole.decode("utf-8-sig")

    def _replace(self, text: str) -> None:
        """Puts another content in the place of this one: all of it or nothing."""
        try:
            target = self.path.resolve()  # a link stays one
            with tempfile.NamedTemporaryFile(
                dir=target.parent, prefix=f".{target.name}.", delete=False
            ) as new:
                new.write(text.encode("utf-8"))
                new.flush()
                os.fsync(new.fileno())
                os.fchmod(new.fileno(), os.fstat(self._file.fileno()).st_mode & 0o777)
            Path(new.name).replace(target)
            old, self._file = self._file, _locked(self.path)
            old.close()
        except OSError as error:
            raise ConfigurationError(f"cannot write {self.path}: {error.strerror}") from error


def _locked(path: Path) -> IO[bytes]:
    """Opens a file for this run alone.

    Raises:
        ConfigurationError: another run has it.
        OSError: it cannot be opened.
    """
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another run may have put a new file in its place between the two calls.
        if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            raise BlockingIOError
    except BlockingIOError:
        file.close()
        raise ConfigurationError(f"{path} is being written by another run") from None
    return file
