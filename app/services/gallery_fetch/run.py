"""One run over a source's sets: which cards came, which did not and why, and when a source is given up."""

from __future__ import annotations

import asyncio
import difflib
import enum
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from app.domain.errors import BinderlensError, ConfigurationError, NotFound, SourceResting, Unavailable
from app.services.gallery_fetch.folder import FetchFolder

#: After the server has failed for so many cards in a row, it is taken for gone.
_FAILURES_IN_A_ROW = 8


class CameOut(enum.Enum):
    """How the fetching of one card ended, where it did not fail.

    A picture that was there and that the source was asked about is ``STILL_THE_SAME`` or ``REPLACED``.
    """

    FETCHED = enum.auto()
    REPLACED = enum.auto()
    STILL_THE_SAME = enum.auto()
    THERE_BEFORE = enum.auto()
    WITHOUT_PICTURE = enum.auto()


Job = tuple[str, Callable[[], Awaitable[CameOut]]]
"""A card's id, and what fetches it."""


@dataclass(slots=True)
class FetchReport:
    """What a run did, in cards.

    Attributes:
        fetched: Whose pictures came in this run.
        there_before: There already, with the right hash.
        without_picture: The source has no picture of them.
        asked_about: Whose pictures were there, and the source said whether it has others by now.
        replaced: Those of them for which it had; they count as fetched, too.
        failed: Card ids that could not be had, with why.
        not_renewed: Card ids whose pictures were there and stay, since the source did not say so, with why.
        unusable: What of the source's data could not be read, with why.
        cards_of_set: Cards that each set was asked for.
        missing_of_set: Those of them that failed or have no picture.
    """

    fetched: int = 0
    there_before: int = 0
    without_picture: int = 0
    asked_about: int = 0
    replaced: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    not_renewed: list[tuple[str, str]] = field(default_factory=list)
    unusable: list[tuple[str, str]] = field(default_factory=list)
    cards_of_set: Counter[str] = field(default_factory=Counter)
    missing_of_set: Counter[str] = field(default_factory=Counter)


class FetchRun:
    """Fetches the cards of set after set, all of one set together.

    Args:
        folder: Where they go.
        progress: Told after each card how many of how many are done; both grow from set to set.
    """

    def __init__(self, folder: FetchFolder, progress: Callable[[int, int], None] | None = None) -> None:
        self.report = FetchReport()
        self._folder = folder
        self._progress = progress
        self._done = self._total = 0
        self._failures_in_a_row = 0

    async def fetch_set(self, set_id: str, jobs: Sequence[Job]) -> None:
        """Fetches the cards of a set; what fails for one of them is reported and the others go on.

        Raises:
            Unavailable: the server fails again and again.
            SourceResting: it asks to be left alone for long.
            ConfigurationError: the folder cannot be written.
        """
        self._total += len(jobs)
        self.report.cards_of_set[set_id] += len(jobs)
        try:
            async with asyncio.TaskGroup() as group:
                for job in jobs:
                    group.create_task(self._fetch_card(set_id, job)).add_done_callback(self._advance)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the others were cancelled, or say the same

    def _advance(self, _: asyncio.Task[None]) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)

    async def _fetch_card(self, set_id: str, job: Job) -> None:
        card_id, fetch = job
        try:
            came_out = await fetch()
        except (SourceResting, ConfigurationError):
            raise  # for whichever card: it is meant for us
        except BinderlensError as error:
            self._note_failure(error)
            if await asyncio.to_thread(self._folder.intact, card_id) is not None:
                self.report.there_before += 1
                self.report.not_renewed.append((card_id, str(error)))
                return
            self.report.failed.append((card_id, str(error)))
            self.report.missing_of_set[set_id] += 1
            return
        self._count(set_id, came_out)

    def _count(self, set_id: str, came_out: CameOut) -> None:
        report = self.report
        asked = came_out in (CameOut.STILL_THE_SAME, CameOut.REPLACED)
        if asked or came_out is CameOut.FETCHED:
            self._failures_in_a_row = 0
        report.asked_about += int(asked)
        report.replaced += int(came_out is CameOut.REPLACED)
        if came_out in (CameOut.FETCHED, CameOut.REPLACED):
            report.fetched += 1
        elif came_out is CameOut.WITHOUT_PICTURE:
            report.without_picture += 1
            report.missing_of_set[set_id] += 1
        else:
            report.there_before += 1

    def _note_failure(self, error: BinderlensError) -> None:
        """Gives up where the server fails again and again; that it lacks a picture is an answer."""
        self._failures_in_a_row = self._failures_in_a_row + 1 if isinstance(error, Unavailable) else 0
        if self._failures_in_a_row >= _FAILURES_IN_A_ROW:
            raise Unavailable(f"{_FAILURES_IN_A_ROW} cards in a row could not be had: {error}")


def choose_sets(wanted: Sequence[str], known: Sequence[str], source: str) -> list[str]:
    """The sets to fetch, each once: those wanted, or all there are where none is named.

    Raises:
        NotFound: one of them is not known to the source; similar ones are named.
    """
    for set_id in wanted:
        if set_id not in known:
            close = ", ".join(difflib.get_close_matches(set_id, known, n=5)) or "none"
            raise NotFound(f"{source} has no set {set_id!r}; similar ones: {close}")
    return list(dict.fromkeys(wanted or known))


def id_of_printing(source_id: str, language: str) -> str:
    """A source's id names a card in every language; here each language is a printing of its own."""
    return source_id if language == "en" else f"{source_id}-{language}"


def printed_number(number: str, official_count: int | None) -> str:
    """A collector number as cards bear it: ``4/102``; one with letters stands alone."""
    return f"{number}/{official_count}" if number.isdecimal() and official_count else number
