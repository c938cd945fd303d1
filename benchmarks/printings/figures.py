"""From answers to figures: shares with their intervals, honesty of confidences, milliseconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from app.domain.scoring import ScoredCard, TrueCard, score_scan
from app.domain.types import Identification, Status
from app.services.evaluate import Share
from benchmarks.printings.photos import Taken
from benchmarks.printings.probabilities import Honesty, honesty
from benchmarks.printings.truth import is_decidable
from benchmarks.simulator.geometry import CROP_HEIGHT_PX, CROP_WIDTH_PX, box_quad

#: Sizes of artwork groups that are reported apart; the last stands for all larger ones as well.
GROUP_SIZES = (1, 2, 3, 4, 5, 6)

#: Between these sizes of the region that tells printings apart they are reported apart.
SIDES_PX = (0.0, 6.0, 12.0, 18.0, 30.0, 60.0, math.inf)

_ANYWHERE = box_quad(0, 0, CROP_WIDTH_PX, CROP_HEIGHT_PX)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One photo and its answer.

    Attributes:
        known: Whether the card is in the gallery.
        group_size: Printings of its picture.
        deciding_side_px: How large a region tells the printing apart; None where nobody knows.
        score: What the answer was worth.
    """

    known: bool
    group_size: int
    deciding_side_px: float | None
    score: ScoredCard

    @property
    def decidable(self) -> bool | None:
        """Whether the photo tells the printing; None where nobody knows."""
        return is_decidable(self.deciding_side_px)


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything measured on one set of photos."""

    shares: Sequence[Share]
    card: Honesty
    printing: Honesty

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "shares": {share.name: share.as_json() for share in self.shares},
            "confidence_card": self.card.as_json(),
            "confidence_printing": self.printing.as_json(),
        }


def outcome(photo: Taken, answer: Identification) -> Outcome:
    """Scores one answer by its naming alone, wherever it says that the card lies."""
    subject = photo.subject
    truth = TrueCard(subject.card_id, _ANYWHERE, subject.in_gallery, subject.printings)
    (score,) = score_scan([replace(answer, quad_px=_ANYWHERE)], [truth]).cards
    return Outcome(subject.in_gallery, len(subject.printings), photo.deciding_side_px, score)


def add_up(outcomes: Sequence[Outcome]) -> Figures:
    """Shares and honesty over photos of known and unknown cards as they come."""
    scores = [one.score for one in outcomes]
    return Figures(
        shares=[*_shares(outcomes), *_shares_by_group(outcomes), *_shares_by_side(outcomes)],
        card=honesty(
            [score.confidence_card for score in scores],
            [score.first_artwork_right is True for score in scores],
        ),
        printing=honesty(
            [score.confidence_printing for score in scores],
            [score.first_printing_right is True for score in scores],
        ),
    )


def _shares(outcomes: Sequence[Outcome]) -> list[Share]:
    known = [one for one in outcomes if one.known]
    absent = [one for one in outcomes if not one.known]
    decidable = [one for one in known if one.decidable]
    grouped = [one for one in known if one.group_size > 1]
    accepted = [one for one in outcomes if _is(one, Status.ACCEPTED)]
    accepted_known = [one for one in accepted if one.known]
    undecidable = [one for one in known if one.decidable is False]
    return [
        _share("artwork right", known, lambda one: one.score.first_artwork_right is True),
        _share("artwork right and answered", known, lambda one: one.score.artwork_right is True),
        _share("printing right, decidable", decidable, _printing_right),
        _share(
            "printing right, decidable, groups of 2 and more",
            [one for one in decidable if one.group_size > 1],
            _printing_right,
        ),
        _share("printing right, groups of 2 and more", grouped, _printing_right),
        _share("printing right, all", known, _printing_right),
        _share(
            "decidable among groups of 2 and more",
            [one for one in grouped if one.decidable is not None],
            lambda one: one.decidable is True,
        ),
        _share("accepted: artwork right", accepted, lambda one: one.score.artwork_right is True),
        _share("accepted: printing right", accepted, lambda one: one.score.printing_right is True),
        _share(
            "accepted and known: artwork right", accepted_known, lambda one: one.score.artwork_right is True
        ),
        _share("known: accepted", known, lambda one: _is(one, Status.ACCEPTED)),
        _share("known: called unknown", known, lambda one: _is(one, Status.UNKNOWN)),
        _share("unknown: accepted", absent, lambda one: _is(one, Status.ACCEPTED)),
        _share("unknown: called unknown", absent, lambda one: _is(one, Status.UNKNOWN)),
        _share("not decidable: accepted as another printing", undecidable, _accepted_as_another),
    ]


def _shares_by_group(outcomes: Sequence[Outcome]) -> list[Share]:
    decidable = [one for one in outcomes if one.known and one.decidable]
    return [
        _share(
            f"printing right, decidable, groups of {size}",
            [one for one in decidable if min(one.group_size, GROUP_SIZES[-1]) == size],
            _printing_right,
        )
        for size in GROUP_SIZES
    ]


def _shares_by_side(outcomes: Sequence[Outcome]) -> list[Share]:
    grouped = [
        one for one in outcomes if one.known and one.group_size > 1 and one.deciding_side_px is not None
    ]
    return [
        _share(
            f"printing right, told apart by {low:g} to {high:g} px",
            [one for one in grouped if low <= (one.deciding_side_px or 0.0) < high],
            _printing_right,
        )
        for low, high in pairwise(SIDES_PX)
    ]


def _share(name: str, among: Sequence[Outcome], hit: Callable[[Outcome], bool]) -> Share:
    return Share(name, sum(map(hit, among)), len(among))


def _is(one: Outcome, status: Status) -> bool:
    return one.score.status is status


def _printing_right(one: Outcome) -> bool:
    return one.score.first_printing_right is True


def _accepted_as_another(one: Outcome) -> bool:
    return _is(one, Status.ACCEPTED) and one.score.printing_right is not True


def stage_figures(pages: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """For each stage the median and the 95th percentile over pages, in milliseconds."""
    stages = dict.fromkeys(name for page in pages for name in page)
    figures = {}
    for stage in stages:
        spent = np.array([page.get(stage, 0.0) for page in pages])
        p50, p95 = np.percentile(spent, (50, 95))
        figures[stage] = {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2)}
    return figures
