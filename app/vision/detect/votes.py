"""From the finder's answers to quads: cells that mean one card are put together, the most agreed on first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage
from app.vision.detect.candidates import Quads
from app.vision.detect.planes import shrink
from app.vision.detect.shapes import areas

Floats64 = NDArray[np.float64]

STRIDE_PX = 8  # pixels of the picture to a cell
UNIT_PX = 64.0  # of the corners' distances from the cell
#: Long sides of the picture that the finder looks at: the large one for small cards, the small for large.
LEVELS_PX = (640, 192)
#: Cards of which only patches show are seen best in between.
_COVERED_PX = 384
#: Where at least so many cards are on average (median) so small in the large one, they are looked at closer.
_MANY_CARDS = 6
_SMALL_PX = 75.0
_CLOSER_PX = 1024
_MULTIPLE_PX = 32
_LEAST_CHANCE = 0.4  # that a cell shows a card
_MOST_CELLS = 3000
_MOST_CELLS_CLOSER = 6000
#: Corners of two answers that mean one card lie on average this near to each other, as a share of its size.
_SAME_CARD = 0.12
#: Cells that must agree, as a share of those that fit into the card.
_LEAST_AGREED = 0.1
_FULL_AGREED = 0.3
_LEAST_CELLS = 3
#: Sizes (square root of the area) that one level answers for, in its own pixels.
_SIZE_PX = (20.0, 215.0)
_MOST_CARDS = 80
#: Pairs looked at together: their numbers take 120 kB. Larger blocks get pages of their own from the
#: allocator each time (``app.inference.allocator``), and touching those takes longer than the sums.
_PAIRS = 30_000


class Finder(Protocol):
    """Says for every cell of a picture whether it shows a card and where that card's corners lie."""

    def __call__(self, picture: RgbImage) -> NDArray[np.float32]:
        """Maps RGB uint8 (height, width, 3), sides multiples of 32, to (9, height / 8, width / 8)."""
        ...


@dataclass(frozen=True, slots=True)
class Answers:
    """What cells say, of all levels together.

    Attributes:
        quads: (count, 4, 2), pixels of the picture.
        chance: That the cell shows a card, (count,).
        share: Share of its card that the cell makes up, (count,).
    """

    quads: Quads
    chance: Floats64
    share: Floats64


def find_quads(image: RgbImage, finder: Finder) -> tuple[Quads, Floats64]:
    """Cards that the finder sees: corners (count, 4, 2) in the picture's pixels, clockwise, and scores."""
    long_side_px = max(image.shape[:2])
    sizes_px = dict.fromkeys(min(level_px, long_side_px) for level_px in LEVELS_PX)
    quads, scores = vote(_join([_look(image, finder, size_px) for size_px in sizes_px], _MOST_CELLS))
    size = np.sqrt(areas(quads)) / long_side_px
    if len(quads) < _MANY_CARDS or np.median(size) * LEVELS_PX[0] > _SMALL_PX or long_side_px <= LEVELS_PX[0]:
        return quads, scores
    closer_px = min(_CLOSER_PX, long_side_px)
    closer, closer_scores = vote(_join([_look(image, finder, closer_px)], _MOST_CELLS_CLOSER))
    large = size * closer_px > _SIZE_PX[1]  # than the closer look answers for
    return np.concatenate([closer, quads[large]]), np.concatenate([closer_scores, scores[large]])


def find_covered(image: RgbImage, finder: Finder) -> tuple[Quads, Floats64]:
    """What may be cards that others cover for the most part; likewise, but one card may be there twice."""
    sizes_px = dict.fromkeys(min(level_px, max(image.shape[:2])) for level_px in (*LEVELS_PX, _COVERED_PX))
    return vote(_join([_look(image, finder, size_px) for size_px in sizes_px], _MOST_CELLS))


def _look(image: RgbImage, finder: Finder, long_side_px: int) -> Answers:
    small = shrink(image, min(1.0, long_side_px / max(image.shape[:2])))
    height, width = small.shape[:2]
    bottom, right = -height % _MULTIPLE_PX, -width % _MULTIPLE_PX
    padded = cv2.copyMakeBorder(small, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    scale = width / image.shape[1], height / image.shape[0]
    return read_answers(finder(np.asarray(padded, np.uint8)), scale)


def read_answers(maps: NDArray[np.float32], scale: tuple[float, float]) -> Answers:
    """Cells of one level that show a card.

    Args:
        maps: (9, rows, columns), as the finder gives them.
        scale: Pixels of the level for each pixel of the picture, across and down.
    """
    chance = 1.0 / (1.0 + np.exp(-np.clip(maps[0].astype(np.float64), -30.0, 30.0)))
    row, column = np.nonzero(chance >= _LEAST_CHANCE)
    middle = (np.stack([column, row], axis=1) + 0.5) * STRIDE_PX
    quads = maps[1:, row, column].T.reshape(-1, 4, 2) * UNIT_PX + middle[:, None]
    area = areas(quads)
    usable = (area > _SIZE_PX[0] ** 2) & (area < _SIZE_PX[1] ** 2)  # neither holds for what is no number
    share = STRIDE_PX**2 / np.maximum(area[usable], 1.0)
    return Answers(quads[usable] / np.array(scale), chance[row, column][usable], share)


def _join(levels: Sequence[Answers], most_cells: int) -> Answers:
    """The surest answers of all levels."""
    chance = np.concatenate([level.chance for level in levels])
    surest = np.argsort(-chance, kind="stable")[:most_cells]
    return Answers(
        np.concatenate([level.quads for level in levels])[surest],
        chance[surest],
        np.concatenate([level.share for level in levels])[surest],
    )


def vote(answers: Answers) -> tuple[Quads, Floats64]:
    """Cards that enough cells agree on: corners (count, 4, 2), clockwise, and scores (count,) in [0, 1]."""
    quads: list[Quads] = []
    scores: list[float] = []
    left = np.ones(len(answers.chance), dtype=bool)
    worth = answers.chance * answers.share
    size = np.sqrt(np.maximum(areas(answers.quads), 1.0))
    votes = _votes(answers.quads.mean(axis=1), size, worth)
    while left.any() and len(quads) < _MOST_CARDS:
        seed = int(np.argmax(np.where(left, votes, -1.0)))
        if votes[seed] < _LEAST_AGREED:  # and those that are left have fewer
            break
        rest = np.flatnonzero(left)
        distance, aligned = apart(answers.quads[rest], answers.quads[seed])
        agree = distance < _SAME_CARD * size[seed]
        left[rest[agree]] = False
        agreed = float(worth[rest[agree]].sum())
        if agreed < _LEAST_AGREED or agree.sum() < _LEAST_CELLS:
            continue
        quads.append(np.median(aligned[agree], axis=0))
        chance = float(answers.chance[rest[agree]].mean())
        scores.append(chance * min(1.0, agreed / _FULL_AGREED))
    return np.array(quads, np.float64).reshape(-1, 4, 2), np.array(scores, np.float64)


def _votes(middle: Floats64, size: Floats64, worth: Floats64) -> Floats64:
    """How much of a card the cells make up whose middles and sizes agree with each one's, (count,)."""
    x, y, log_size = (column.astype(np.float32) for column in (middle[:, 0], middle[:, 1], np.log(size)))
    reach = (0.2 * size.astype(np.float32)) ** 2
    votes = np.zeros(len(worth))
    block = max(1, _PAIRS // max(len(worth), 1))
    for start in range(0, len(worth), block):
        rows = slice(start, start + block)
        near = (x[rows, None] - x) ** 2 + (y[rows, None] - y) ** 2 < reach[rows, None]
        near &= np.abs(log_size[rows, None] - log_size) < 0.2
        votes[rows] = near @ worth
    return votes


def apart(quads: Quads, one: Floats64) -> tuple[Floats64, Quads]:
    """Mean distance of corners to those of ``one``, (count,), and the quads numbered like it."""
    turned = np.stack([np.roll(quads, turn, axis=1) for turn in range(4)])
    distance = np.linalg.norm(turned - one, axis=-1).mean(axis=-1)
    best, picked = distance.argmin(axis=0), np.arange(len(quads))
    return distance[best, picked], turned[best, picked]
