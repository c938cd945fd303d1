"""Scores detections against labels: who was found, who was named rightly, how honest the confidence was.

A card counts as found when a detection matches it one to one at an intersection over union of 0.7 and more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.domain.geometry import quad_iou
from app.domain.types import Card, Identification, Quad, Status

IOU_FOUND = 0.7


@dataclass(frozen=True, slots=True)
class TrueCard:
    """One labelled card; whatever is None is not scored.

    Attributes:
        in_gallery: False where the right answer is ``unknown``.
        same_picture: Ids of every printing of the picture, ``card_id`` included.
    """

    card_id: str | None
    quad_px: Quad | None
    in_gallery: bool | None
    same_picture: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ScoredCard:
    """One detection matched to its label.

    Attributes:
        confidence_card: Probability that the first candidate shows the right picture.
        confidence_printing: Probability that it is the very printing.
        known: Whether the card is in the gallery, as labelled.
        artwork_right: Whether the answer, ``card``, shows the right picture; no answer is a wrong one. None
            where that is not labelled.
        printing_right: Whether it is the very printing.
        first_artwork_right: Whether the first candidate shows the right picture, given as the answer or not.
        first_printing_right: Whether it is the very printing.
        answer: The detection itself; None for a label that none shows.
        truth: Its label, likewise.
    """

    status: Status
    confidence_card: float
    confidence_printing: float
    known: bool | None
    artwork_right: bool | None
    printing_right: bool | None
    first_artwork_right: bool | None
    first_printing_right: bool | None
    iou: float | None
    upright: bool | None
    answer: Identification | None = field(default=None, compare=False, repr=False)
    truth: TrueCard | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ScanScore:
    """What one labelled scan gave.

    Attributes:
        labelled: Cards with a label.
        found: Labels that a detection matches.
        extra: Detections that match no label.
        detection_scored: Whether the labels say where the cards are.
        cards: One score a found card. Labels without corners cannot tell a missed card from a wrongly named
            one: there every named label that no detection shows is in here too, as wrong.
    """

    labelled: int
    found: int
    extra: int
    detection_scored: bool
    cards: tuple[ScoredCard, ...]


_NOT_NAMED = ScoredCard(
    status=Status.UNKNOWN,
    confidence_card=0.0,
    confidence_printing=0.0,
    known=True,
    artwork_right=False,
    printing_right=False,
    first_artwork_right=False,
    first_printing_right=False,
    iou=None,
    upright=None,
)


def score_scan(found: Sequence[Identification], truth: Sequence[TrueCard]) -> ScanScore:
    """Scores one scan. Labels without a quad are matched by card id, and detection is then not scored."""
    if all(card.quad_px is not None for card in truth):
        return _score_by_place(found, truth)
    return _score_by_name(found, truth)


def _score_by_place(found: Sequence[Identification], truth: Sequence[TrueCard]) -> ScanScore:
    overlaps = np.zeros((len(found), len(truth)))
    for i, one in enumerate(found):
        for j, card in enumerate(truth):
            if card.quad_px is not None:
                overlaps[i, j] = quad_iou(one.quad_px, card.quad_px)
    pairs = _match_greedily(overlaps)
    cards = tuple(_score_card(found[i], truth[j], float(overlaps[i, j])) for i, j in pairs)
    return ScanScore(len(truth), len(pairs), len(found) - len(pairs), True, cards)


def _score_by_name(found: Sequence[Identification], truth: Sequence[TrueCard]) -> ScanScore:
    """Pairs by picture: each labelled card with a detection that names its group, while there are any."""
    left = list(found)
    cards: list[ScoredCard] = []
    missed = 0
    for card in truth:
        if card.card_id is None:
            continue
        match = _best_of_picture(left, card)
        if match is None:
            missed += card.in_gallery is not False
            continue
        left = [other for other in left if other is not match]
        cards.append(_score_card(match, card, None))
    wrong = [_NOT_NAMED] * missed
    return ScanScore(len(truth), len(cards), len(left), False, (*cards, *wrong))


def _best_of_picture(found: Sequence[Identification], truth: TrueCard) -> Identification | None:
    """The first detection answered with the picture, or else the first whose leading candidate shows it."""
    answered = (one for one in found if _shows(one.card, truth))
    led = (one for one in found if _shows(_first_candidate(one), truth))
    return next(answered, None) or next(led, None)


def _match_greedily(overlaps: NDArray[np.float64]) -> list[tuple[int, int]]:
    """One-to-one pairs at IOU_FOUND and more, the closest first."""
    pairs: list[tuple[int, int]] = []
    remaining = overlaps.copy()
    while remaining.size and remaining.max() >= IOU_FOUND:
        i, j = np.unravel_index(int(remaining.argmax()), remaining.shape)
        pairs.append((int(i), int(j)))
        remaining[i, :] = -1.0
        remaining[:, j] = -1.0
    return pairs


def _score_card(one: Identification, truth: TrueCard, iou: float | None) -> ScoredCard:
    first = _first_candidate(one)
    first_artwork_right = _artwork_right(first, truth)
    upright = None
    if truth.quad_px is not None and first_artwork_right:
        start = np.linalg.norm(truth.quad_px - one.quad_px[0], axis=1)
        upright = int(start.argmin()) == 0
    return ScoredCard(
        status=one.status,
        confidence_card=one.confidence.card,
        confidence_printing=one.confidence.printing,
        known=truth.in_gallery,
        artwork_right=_artwork_right(one.card, truth),
        printing_right=_printing_right(one.card, truth),
        first_artwork_right=first_artwork_right,
        first_printing_right=_printing_right(first, truth),
        iou=iou,
        upright=upright,
        answer=one,
        truth=truth,
    )


def _artwork_right(named: Card | None, truth: TrueCard) -> bool | None:
    """Whether a card shows the labelled picture; None where the label does not say which it is."""
    if truth.in_gallery is False:
        return False
    return None if truth.card_id is None else _shows(named, truth)


def _printing_right(named: Card | None, truth: TrueCard) -> bool | None:
    if truth.in_gallery is False:
        return False
    return None if truth.card_id is None else named is not None and named.card_id == truth.card_id


def _shows(named: Card | None, truth: TrueCard) -> bool:
    return named is not None and (named.card_id == truth.card_id or named.card_id in truth.same_picture)


def _first_candidate(one: Identification) -> Card | None:
    return one.candidates[0].card if one.candidates else None


def expected_calibration_error(
    confidences: Sequence[float], right: Sequence[bool], bins: int = 15
) -> float | None:
    """Mean distance between confidence and accuracy over equal-width bins; None without cards.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", 2015.
    """
    if not confidences:
        return None
    confidence = np.asarray(confidences, dtype=np.float64)
    correct = np.asarray(right, dtype=np.float64)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for index in range(bins):
        inside = place == index
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    return float(error)
