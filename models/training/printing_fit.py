"""How printings of one picture are weighed: by similarities and differences, and how sure that makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from app.domain.calibration import Calibration
from app.domain.ranking import RankedCard
from app.domain.reranking import with_differences
from models.training.choice import Choices, fit_choices
from models.training.looks import Look

_LEAST_GROUPS = 30  # looks at pictures of several printings that anything is fitted on
TEMPERATURES = np.geomspace(0.002, 0.5, 40)
#: How much greater the temperature is at an agreement of 0 than at 1, as a share of the latter, at most.
_UNCLEAR = (0.0, 0.5, 1.0, 2.0, 4.0)
#: Share of the looks whose comparison may have gone astray and says nothing; the likeliest is taken. Answers
#: are given without it.
_STRAYS = (0.0, 0.001, 0.002, 0.005, 0.01)
_HUNDREDTH = 0.01  # similarities are counted in hundredths, so that weights are of one size

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PrintingWeights:
    """What is fitted about printings that were compared; each as in ``Calibration``."""

    difference_nats: float = 0.0
    compared_temperature: float = 0.0
    unclear_temperature: float = 0.0


def fit_printings(looks: Sequence[Look]) -> PrintingWeights:
    """The constants under which the right printings are likeliest, on looks whose printings were compared."""
    groups = list(filter(_has_its_printing, filter(was_compared, looks)))
    if len(groups) < _LEAST_GROUPS:
        return PrintingWeights()
    best, least = PrintingWeights(), np.inf
    for unclear, strays in product(_UNCLEAR, _STRAYS):
        choices = _choices(groups, unclear)
        per_hundredth, nats = fit_choices(choices, strays)
        loss = choices.losses(np.array([per_hundredth, nats]), strays).mean()
        if loss < least:
            temperature = min(_HUNDREDTH / max(float(per_hundredth), 1e-9), float(TEMPERATURES[-1]))
            least = loss
            best = PrintingWeights(
                round(float(nats), 4), round(temperature, 5), round(unclear * temperature, 5)
            )
    return best


def weighed(look: Look, calibration: Calibration) -> Look:
    """A look whose printings were compared, ranked by what the differences are worth."""
    found = {one.card.card_id: one.difference for one in look.ranking.members() if one.difference is not None}
    worth = calibration.difference_worth(look.ranking)
    return replace(look, ranking=with_differences(look.ranking, found, worth))


def temperature_of(looks: Sequence[Look]) -> float:
    """The temperature under which the right printings are likeliest, from a ladder; 0 where few looks say."""
    groups = printings(looks, lambda one: one.standing)
    if len(groups) < _LEAST_GROUPS:
        return 0.0
    losses = [np.mean([loss(values / t, own) for values, own in groups]) for t in TEMPERATURES]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 4)


def printings(looks: Sequence[Look], of: Callable[[RankedCard], float]) -> list[tuple[Floats, int]]:
    """For known looks at pictures of several printings: a value of each printing, and which is right."""
    return [
        (np.array([of(one) for one in look.ranking.members()]), _own(look))
        for look in looks
        if _has_its_printing(look)
    ]


def was_compared(look: Look) -> bool:
    """Whether printings of the leader's picture were compared with the photo."""
    return any(one.difference is not None for one in look.ranking.members())


def loss(logits: Floats, own: int) -> float:
    """Negative logarithm of the probability that these logits give to the right one."""
    highest = float(logits.max())
    return highest + float(np.log(np.exp(logits - highest).sum())) - float(logits[own])


def _has_its_printing(look: Look) -> bool:
    members = look.ranking.members()
    shown = any(one.card.card_id == look.card_id for one in members)
    return not look.masked and look.artwork_right and shown and len(members) > 1


def _own(look: Look) -> int:
    return [one.card.card_id for one in look.ranking.members()].index(look.card_id)


def _choices(looks: Sequence[Look], unclear: float) -> Choices:
    """Similarities, the less counted the less clear the photo is, and differences."""
    most = max(len(look.ranking.members()) for look in looks)
    evidence, there = np.zeros((len(looks), most, 2)), np.zeros((len(looks), most), np.bool_)
    for place, look in enumerate(looks):
        members = look.ranking.members()
        count = _HUNDREDTH * (1.0 + unclear * (1.0 - look.ranking.agreement))
        evidence[place, : len(members), 0] = [one.similarity / count for one in members]
        evidence[place, : len(members), 1] = [-(one.difference or 0.0) for one in members]
        there[place, : len(members)] = True
    return Choices(evidence, there, np.array([_own(look) for look in looks]))
