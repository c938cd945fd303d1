"""Which of the pictures that are there a run asks about: poor scans are replaced at the same address."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import timedelta

from app.domain.errors import ConfigurationError
from app.services.gallery_fetch.folder import FetchedCard, FetchFolder

#: Nobody waits for a better scan from one day to the next, and a gallery has 15,000 of them.
CHECK_AFTER = timedelta(days=30)
#: A check of everything that was interrupted goes on for so long; later, what it found out is old.
_GOES_ON_FOR = timedelta(days=1)
_MARK_NAME = "checking"
_HASH_DIGITS = 12


class Checks:
    """Says for each picture that is there whether the source is asked if it has another one by now.

    Of itself a run asks about those that nobody has asked about for ``CHECK_AFTER``, and only where the
    server can answer without sending the picture.

    Args:
        folder: Where the pictures are.
        everything: About each of them, also where that takes the whole picture. A check that was interrupted
            goes on: what it has asked about is left out.
        scope: What the run goes over, in words that are the same when it is run again. Checks of other sets
            or another language neither go on with this one nor end it.

    Raises:
        ConfigurationError: the folder cannot be written.
    """

    def __init__(self, folder: FetchFolder, *, everything: bool = False, scope: Sequence[str] = ()) -> None:
        self._everything = everything
        self._now_s = folder.clock()
        # By its hash: people name sets, and any of them may be in the command.
        scope_hash = hashlib.sha256("\n".join(scope).encode()).hexdigest()[:_HASH_DIGITS]
        self._mark = folder.root / f"{_MARK_NAME}-{scope_hash}"
        self._since_s = self._began_s() if everything else self._now_s - CHECK_AFTER.total_seconds()

    def due(self, known: FetchedCard) -> bool:
        """Whether to ask about a picture that is there and whole."""
        if not (self._everything or known.validators):
            return False
        # A time in the future is of a clock that was wrong, and would never be over.
        return not self._since_s <= known.checked_at <= self._now_s

    def finish(self) -> None:
        """To be called when all that was due has been asked about: the next check begins anew."""
        if self._everything:
            self._mark.unlink(missing_ok=True)

    def _began_s(self) -> float:
        """When the check of everything began that this run makes or goes on with."""
        try:
            self._forget_old_marks()
            if self._mark.exists():
                return float(self._mark.read_text(encoding="utf-8"))
            self._mark.write_text(repr(self._now_s), encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"cannot keep {self._mark}: {error}") from error
        return self._now_s

    def _forget_old_marks(self) -> None:
        """Takes away those that nothing goes on from any more, of any scope."""
        for mark in self._mark.parent.glob(f"{_MARK_NAME}-{'[0-9a-f]' * _HASH_DIGITS}"):
            try:
                age_s = self._now_s - float(mark.read_text(encoding="utf-8"))
            except ValueError:
                age_s = math.inf
            if not 0.0 <= age_s <= _GOES_ON_FOR.total_seconds():
                mark.unlink(missing_ok=True)
