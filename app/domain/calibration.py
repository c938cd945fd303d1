"""From evidence to probabilities and to a status, with constants that a committed command fits.

The model is a logistic regression on two numbers: the leader's similarity and its margin over other
pictures. Both weights are held at zero or above, so confidence can only rise with evidence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from app.domain.errors import ConfigurationError
from app.domain.ranking import RankedCard, Ranking
from app.domain.types import Confidence, Status

CALIBRATION_FILE = "calibration.json"
#: Where the file has the constants for galleries with a space.
_IN_SPACE = "in_space"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Constants of one encoder in one kind of gallery; ``models/training/calibration.py`` fits them.

    Attributes:
        bias: Intercept of the logistic model.
        margin_weight: Weight of the margin, at least 0.
        similarity_weight: Weight of the similarity, at least 0.
        printing_temperature: Difference of similarity at which one printing of an artwork group is e times
            likelier than another.
        accept_card: Least probability of the picture for ``accepted``.
        accept_printing: Least probability of the printing for ``accepted``.
        known_at: Least probability of the picture for an answer at all; below it the card is ``unknown``.
    """

    bias: float
    margin_weight: float
    similarity_weight: float
    printing_temperature: float
    accept_card: float
    accept_printing: float
    known_at: float

    def __post_init__(self) -> None:
        if self.margin_weight < 0 or self.similarity_weight < 0 or self.printing_temperature <= 0:
            raise ConfigurationError(
                "a calibration needs weights of at least 0 and a printing temperature above 0"
            )
        if not 0 <= self.known_at <= self.accept_card <= 1:
            raise ConfigurationError("a calibration needs 0 <= known_at <= accept_card <= 1")

    def card_probability(self, similarity: float, margin: float) -> float:
        """Probability that the leader's picture is the right one."""
        return logistic(self.bias + self.margin_weight * margin + self.similarity_weight * similarity)

    def confidence(self, ranking: Ranking, group_size: int) -> Confidence:
        """Probabilities for the leader of a ranking.

        Args:
            ranking: Cards found, best first.
            group_size: Printings in the leader's artwork group, itself included. Members that were not
                among the hits count as much as the weakest one that was.
        """
        best = ranking.best
        if best is None:
            return Confidence(card=0.0, printing=0.0)
        card = self.card_probability(best.similarity, ranking.margin)
        members = [r for r in ranking.cards if r.artwork_group_id == best.artwork_group_id]
        return Confidence(card=card, printing=card * self._leader_share(members, group_size))

    def candidate_probability(self, ranking: Ranking, candidate: RankedCard, leader: Confidence) -> float:
        """Probability that this candidate is the printing: the rest of the leader's, shared by likelihood."""
        best = ranking.best
        if best is None or candidate == best:
            return leader.printing
        rest = 1.0 - leader.printing
        others = [r for r in ranking.cards if r != best]
        weights = [math.exp((r.similarity - best.similarity) / self.printing_temperature) for r in others]
        share = math.exp((candidate.similarity - best.similarity) / self.printing_temperature)
        # One unit of weight stands for "none of these", so a far-off crowd never looks likely.
        return min(leader.printing, rest * share / (1.0 + sum(weights)))

    def status(self, confidence: Confidence) -> Status:
        """What a person has to do about a card with this confidence."""
        if confidence.card < self.known_at:
            return Status.UNKNOWN
        if confidence.card >= self.accept_card and confidence.printing >= self.accept_printing:
            return Status.ACCEPTED
        return Status.REVIEW

    def _leader_share(self, members: Sequence[RankedCard], group_size: int) -> float:
        weights = [
            math.exp((member.similarity - members[0].similarity) / self.printing_temperature)
            for member in members
        ]
        unseen = max(0, group_size - len(members))
        return 1.0 / (sum(weights) + unseen * weights[-1])


#: For an encoder that nobody has calibrated yet: asks for more evidence than any encoder here has needed,
#: so most answers come back as ``review``.
UNCALIBRATED = Calibration(
    bias=-12.0,
    margin_weight=20.0,
    similarity_weight=10.0,
    printing_temperature=0.02,
    accept_card=0.99,
    accept_printing=0.9,
    known_at=0.2,
)


def logistic(x: float) -> float:
    """The logistic function, safe for any finite argument."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-min(x, 700.0)))
    z = math.exp(max(x, -700.0))
    return z / (1.0 + z)


@dataclass(frozen=True, slots=True)
class Calibrations:
    """The constants of one encoder: similarities in a gallery's space are others than without one.

    Attributes:
        plain: For galleries without a space.
        in_space: For galleries with one.
    """

    plain: Calibration
    in_space: Calibration

    def of(self, ranking: Ranking) -> Calibration:
        """The constants for what was found in one gallery or the other."""
        return self.in_space if ranking.in_space else self.plain


def load_calibrations(folder: Path) -> Calibrations:
    """Reads an encoder folder's calibrations; ``UNCALIBRATED`` stands in for what it has not.

    Raises:
        ConfigurationError: the file is there but does not say what is needed.
    """
    path = folder / CALIBRATION_FILE
    if not path.exists():
        return Calibrations(UNCALIBRATED, UNCALIBRATED)
    try:
        values = json.loads(path.read_text())
        in_space = values.get(_IN_SPACE)
        return Calibrations(_read(values), UNCALIBRATED if in_space is None else _read(in_space))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path} is not a calibration: {error}") from error


def save_calibrations(plain: Calibration, in_space: Calibration | None, folder: Path) -> None:
    """Writes an encoder folder's calibrations; ``in_space`` is None for encoders that want no space."""
    values: dict[str, object] = asdict(plain)
    if in_space is not None:
        values[_IN_SPACE] = asdict(in_space)
    (folder / CALIBRATION_FILE).write_text(json.dumps(values, indent=2) + "\n")


def _read(values: Mapping[str, float]) -> Calibration:
    return Calibration(**{name: float(values[name]) for name in Calibration.__dataclass_fields__})
