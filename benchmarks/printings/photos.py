"""The photos of a measurement: who is photographed at each level, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np

from app.domain.types import RgbImage
from benchmarks.printings.collection import CardCollection, Subject
from benchmarks.printings.truth import least_deciding_side_px
from benchmarks.simulator.levels import LEVELS, Level
from benchmarks.simulator.single import photograph_single


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is photographed.

    Attributes:
        levels: Levels of the simulator, each with the same number of photos.
        known: Photos of cards of the gallery at each level.
        unknown: Photos of cards that are not in it at each level.
        seed: Of the choice of cards and of the photos; a photo depends on nothing else.
        cards_a_page: How many cards are answered together, as the cards of one scan are.
        sorted_pages: Whether a page's cards come from one set where possible, as collectors sort them.
    """

    levels: Sequence[Level]
    known: int
    unknown: int
    seed: int
    cards_a_page: int = 9
    sorted_pages: bool = False


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo to be taken: of whom, at which level, from which seed."""

    subject: Subject
    level: Level
    seed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """One photo.

    Attributes:
        subject: Whom it shows.
        level: How hard it is.
        crop: The card as a detector would hand it over, RGB uint8 (528, 378, 3).
        deciding_side_px: How large a region tells its printing apart (``truth``); None where nobody knows.
    """

    subject: Subject
    level: Level
    crop: RgbImage
    deciding_side_px: float | None


def plan_shots(collection: CardCollection, plan: Plan, level: Level) -> list[Shot]:
    """Draws who is photographed at a level, in the order of the pages.

    Cards are drawn without repeats until all have been; known and unknown ones are mixed.
    """
    number = list(LEVELS).index(level)
    rng = np.random.default_rng([plan.seed, number, 0])
    drawn = [
        *_draw(collection.known, plan.known, rng),
        *_draw(collection.unknown, plan.unknown, rng),
    ]
    drawn = [drawn[i] for i in rng.permutation(len(drawn))]
    if plan.sorted_pages:
        drawn.sort(key=lambda subject: subject.set_id)
    return [Shot(subject, level, (plan.seed, number, 1, place)) for place, subject in enumerate(drawn)]


def _draw(subjects: Sequence[Subject], count: int, rng: np.random.Generator) -> list[Subject]:
    if count and not subjects:
        raise ValueError(f"there is no card to take {count} photos of")
    order: list[int] = []
    while len(order) < count:
        order.extend(int(i) for i in rng.permutation(len(subjects)))
    return [subjects[i] for i in order[:count]]


def take(shot: Shot) -> Taken:
    """Photographs one card and finds out whether the photo tells which printing it is."""
    own = shot.subject.picture()
    photo = photograph_single(own, shot.level, np.random.default_rng(shot.seed))
    side_px = None
    if shot.subject.rivals is not None:
        side_px = least_deciding_side_px(photo, own, (draw() for draw in shot.subject.rivals))
    return Taken(shot.subject, shot.level, photo.crop, side_px)


class Studio(AbstractContextManager["Studio"]):
    """Takes photos, in ``jobs`` processes beside this one or, with 0, in this one."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._processes: ProcessPoolExecutor | None = None

    def __enter__(self) -> Studio:
        if self._jobs:
            # Forking would copy the threads of the encoder and of the database's client in mid-air.
            context = get_context("spawn")
            self._processes = ProcessPoolExecutor(self._jobs, context, cv2.setNumThreads, (1,))
        return self

    def __exit__(self, *_: object) -> None:
        if self._processes is not None:
            self._processes.shutdown(cancel_futures=True)

    def take(self, shots: Sequence[Shot]) -> list[Taken]:
        """Takes photos, all of them before it returns: nothing runs beside what is timed afterwards."""
        if self._processes is None:
            return [take(shot) for shot in shots]
        return list(self._processes.map(take, shots, chunksize=4))


def pages(shots: Sequence[Shot], cards_a_page: int) -> Iterator[Sequence[Shot]]:
    """Cuts the shots of a level into pages; the last may be smaller."""
    for start in range(0, len(shots), cards_a_page):
        yield shots[start : start + cards_a_page]
