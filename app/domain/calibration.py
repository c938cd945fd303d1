"""From evidence to probabilities and to a status, with constants that a committed command fits.

The model is a logistic regression: on the root of the leader's margin over other pictures, and where
reference pictures were compared with the crop, on how many times better the leader's agrees with it than the
best of the others; where none were, on the leader's similarity. On a poor photo margins and agreements are
small, and say more than as little says on a clear one. All weights are held at zero or above, so confidence
can only rise with evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.errors import ConfigurationError
from app.domain.ranking import RankedCard, Ranking
from app.domain.types import AnswerKind, Confidence, Status

#: Of the answers called ``accepted``, this share shows the right picture, where one card in five is in no
#: gallery.
ACCEPT_PRECISION, UNKNOWN_SHARE = 0.999, 0.2
#: And this share names the right printing. Wanted are 0.995 on hard photos: what is fitted on a simulator's
#: leaves room for others. One less likely than ``LEAST_PRINTING`` is never accepted.
PRINTING_PRECISION = 0.997
LEAST_PRINTING = 0.95
#: Of the cards that are in no gallery, this share is called ``unknown``.
UNKNOWN_RECALL = 0.93
#: Log-odds beyond which a double no longer tells a probability from 0 or 1 well.
_MOST_LOG_ODDS = 30.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Constants of one encoder in one kind of gallery; ``models/training/calibration.py`` fits them.

    Attributes:
        bias: Intercept of the logistic model.
        margin_weight: Weight of the root of the margin, at least 0.
        similarity_weight: Weight of the similarity, at least 0.
        printing_temperature: Difference of standing at which one printing of an artwork group is e times
            likelier than another, where the crop was compared with none of the group.
        accept_card: Least probability of the picture for ``accepted``.
        accept_printing: Least probability of the printing for ``accepted``.
        known_at: Least probability of the picture for an answer at all; below it the card is ``unknown``.
        agreement_weight: Weight of ``Ranking.agreement_lead``, the logarithm of a ratio, at least 0.
        standing_agreement: The similarity that an agreement of 1 is worth, at least 0.
        difference_nats: What a difference of 1 from the crop speaks against a printing, at least 0.
        text_nats: What a verdict of the text on the card is worth; 0 where nobody has fitted it, and no text
            is read.
        compared_temperature: As ``printing_temperature`` where the crop was compared with some of the group
            and agrees with the picture fully; 0 for the same, however well it agrees.
        unclear_temperature: What is added to that where it does not agree at all, and in proportion between:
            the worse a photo, the less do small differences say.
    """

    bias: float
    margin_weight: float
    similarity_weight: float
    printing_temperature: float
    accept_card: float
    accept_printing: float
    known_at: float
    agreement_weight: float = 0.0
    standing_agreement: float = 0.0
    difference_nats: float = 0.0
    compared_temperature: float = 0.0
    text_nats: float = 0.0
    unclear_temperature: float = 0.0

    def __post_init__(self) -> None:
        weights = (self.margin_weight, self.similarity_weight, self.agreement_weight)
        standing = (self.standing_agreement, self.difference_nats, self.text_nats)
        temperatures = (self.compared_temperature, self.unclear_temperature)
        if min(*weights, *standing, *temperatures) < 0 or self.printing_temperature <= 0:
            raise ConfigurationError(
                "a calibration needs weights of at least 0 and a printing temperature above 0"
            )
        if not 0 <= self.known_at <= self.accept_card <= 1:
            raise ConfigurationError("a calibration needs 0 <= known_at <= accept_card <= 1")

    def card_probability(self, ranking: Ranking) -> float:
        """Probability that the leader's picture is the right one; 0 where nothing was found."""
        return logistic(self.card_log_odds(ranking)) if ranking.best is not None else 0.0

    def card_log_odds(self, ranking: Ranking) -> float:
        """Logarithm of the odds that the leader's picture is the right one, where there is a leader."""
        return (
            self.bias
            + self.margin_weight * math.sqrt(ranking.margin)
            + self.similarity_weight * ranking.similarity
            + self.agreement_weight * ranking.agreement_lead
        )

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
        card = self.card_probability(ranking)
        return Confidence(card=card, printing=card * self.printing_shares(ranking, group_size)[0])

    def printing_shares(self, ranking: Ranking, group_size: int) -> list[float]:
        """How likely each printing of the leader's picture is, given that the picture is right.

        Args:
            ranking: Cards found, best first.
            group_size: As for ``confidence``.

        Returns:
            One share for each of ``ranking.members()``; they add up to 1 where all members were found.
        """
        members = ranking.members()
        weights = self._member_weights(ranking)
        unseen = max(0, group_size - len(weights))
        # What nobody compared is not ruled out by what others showed.
        weakest = min(one.similarity for one in members) - members[0].similarity
        total = sum(weights) + unseen * math.exp(min(weakest / self.printing_temperature, 700.0))
        return [weight / total for weight in weights]

    def _member_weights(self, ranking: Ranking) -> list[float]:
        """Likelihoods of the printings relative to the first.

        Of two of which one was not compared with the crop, nothing is known but what the search said.
        """
        members = ranking.members()
        first, temperature = members[0], self.temperature(ranking)
        return [
            _likelihood(
                one.standing - first.standing,
                temperature
                if (one.difference is None) == (first.difference is None)
                else self.printing_temperature,
            )
            for one in members
        ]

    def candidate_probability(
        self, ranking: Ranking, candidate: RankedCard, leader: Confidence, group_size: int
    ) -> float:
        """Probability that this candidate is the printing.

        Printings of the leader's picture share what the picture has, all others what it leaves.
        """
        members = ranking.members()
        if not members:
            return 0.0
        if candidate in members:
            return leader.card * self.printing_shares(ranking, group_size)[members.index(candidate)]
        others = [one for one in ranking.cards if one not in members]
        weights = _weights([members[0], *others], self.printing_temperature)
        # The leader's weight stands for "none of these", so a far-off crowd never looks likely.
        share = weights[1 + others.index(candidate)] / sum(weights)
        return min(leader.printing, (1.0 - leader.card) * share)

    def status(self, confidence: Confidence) -> Status:
        """What a person has to do about a card with this confidence."""
        if confidence.card < self.known_at:
            return Status.UNKNOWN
        if confidence.card >= self.accept_card and confidence.printing >= self.accept_printing:
            return Status.ACCEPTED
        return Status.REVIEW

    def is_open(self, ranking: Ranking) -> bool:
        """Whether the picture is sure, and which of its printings it is is not."""
        members = len(ranking.members())
        confidence = self.confidence(ranking, members)
        return (
            members > 1 and confidence.card >= self.accept_card and self.status(confidence) is Status.REVIEW
        )

    def temperature(self, ranking: Ranking) -> float:
        """Difference of standing at which one printing of the leader's picture is e times likelier."""
        compared = any(one.difference is not None for one in ranking.members())
        return self._compared_temperature(ranking) if compared else self.printing_temperature

    def difference_worth(self, ranking: Ranking) -> float:
        """The similarity that a difference of 1 costs."""
        return self.difference_nats * self._compared_temperature(ranking)

    def text_worth(self, ranking: Ranking) -> float:
        """The similarity by which a printing rises that the text agrees with."""
        return self.text_nats * self.temperature(ranking)

    def _compared_temperature(self, ranking: Ranking) -> float:
        if not self.compared_temperature:
            return self.printing_temperature
        return self.compared_temperature + self.unclear_temperature * (1.0 - ranking.agreement)


def _weights(cards: Sequence[RankedCard], temperature: float) -> list[float]:
    """Likelihoods relative to the first card."""
    return [_likelihood(one.standing - cards[0].standing, temperature) for one in cards]


def _likelihood(lead: float, temperature: float) -> float:
    return math.exp(min(lead / temperature, 700.0))


#: For an encoder that nobody has calibrated yet: asks for more evidence than any encoder here has needed,
#: so most answers come back as ``review``.
UNCALIBRATED = Calibration(
    bias=-16.0,
    margin_weight=20.0,
    similarity_weight=10.0,
    printing_temperature=0.02,
    accept_card=0.99,
    accept_printing=0.9,
    known_at=0.2,
)


#: For answers whose pictures were compared, whichever encoder found them: its similarities say nothing, for
#: nobody knows their size. ``python -m models.training.calibration --any-encoder models/compact`` prints it.
PICTURES_ALONE = Calibration(
    bias=-5.269,
    margin_weight=0.0,
    similarity_weight=0.0,
    printing_temperature=0.5,
    accept_card=0.9727,
    accept_printing=0.999,
    known_at=0.1756,
    agreement_weight=19.8797,
    standing_agreement=100.0,
    difference_nats=13.8931,
    compared_temperature=0.5,
    text_nats=2.1654,
)


def logistic(x: float) -> float:
    """The logistic function, safe for any finite argument."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-min(x, 700.0)))
    z = math.exp(max(x, -700.0))
    return z / (1.0 + z)


def log_odds(probability: float) -> float:
    """The inverse of ``logistic``, held within 30 nats."""
    if not 0.0 < probability < 1.0:
        return _MOST_LOG_ODDS if probability >= 1.0 else -_MOST_LOG_ODDS
    return max(-_MOST_LOG_ODDS, min(_MOST_LOG_ODDS, math.log(probability) - math.log1p(-probability)))


@dataclass(frozen=True, slots=True)
class Calibrations:
    """The constants of one encoder: similarities in a gallery's space are others than without one.

    Attributes:
        plain: For galleries without a space.
        in_space: For galleries with one.
        verified: For answers whose leader was compared with its reference picture; ``plain`` does without.
        verified_in_space: Likewise in galleries with a space.
    """

    plain: Calibration
    in_space: Calibration
    verified: Calibration | None = None
    verified_in_space: Calibration | None = None

    def of(self, ranking: Ranking) -> Calibration:
        """The constants for what was found in one gallery or the other, verified or not."""
        return self.of_gallery(in_space=ranking.in_space, verified=ranking.verified)

    def knows_searches(self) -> bool:
        """Whether somebody has fitted, in any gallery, when an answer is clear that was not verified."""
        return self.plain != UNCALIBRATED or self.in_space != UNCALIBRATED

    def is_clear(self, ranking: Ranking) -> bool:
        """Whether the leader's picture is as sure as an accepted answer's."""
        constants = self.of(ranking)
        return constants.card_probability(ranking) >= constants.accept_card

    def kind_of(self, ranking: Ranking) -> AnswerKind:
        """The name of the constants that ``of`` gives."""
        if ranking.verified:
            checked = AnswerKind.VERIFIED_IN_SPACE if ranking.in_space else AnswerKind.VERIFIED
            if self.of_kind(checked) is not None:
                return checked
        return AnswerKind.IN_SPACE if ranking.in_space else AnswerKind.PLAIN

    def of_kind(self, kind: AnswerKind) -> Calibration | None:
        """The constants of that name; None where there are none."""
        constants: Calibration | None = getattr(self, kind.value)
        return constants

    def of_gallery(self, *, in_space: bool, verified: bool) -> Calibration:
        """The constants for galleries with or without a space, and for answers verified or not."""
        plain, checked = (self.in_space, self.verified_in_space) if in_space else (self.plain, self.verified)
        return checked if verified and checked is not None else plain
