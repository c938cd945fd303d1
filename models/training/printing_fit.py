"""How printings of one picture are weighed: what a difference costs, and how sure that makes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.ranking import RankedCard
from models.training.looks import Look

_DIFFERENCES = np.concatenate([[0.0], np.geomspace(0.005, 1.0, 32)])
_LEAST_GROUPS = 30  # looks at pictures of several printings that a temperature is fitted on
TEMPERATURES = np.geomspace(0.002, 0.5, 40)

Floats = NDArray[np.float64]


def temperature_of(looks: Sequence[Look]) -> float:
    """The temperature under which the right printings are likeliest, from a ladder; 0 where few looks say."""
    groups = printings(looks, lambda one: one.standing)
    if len(groups) < _LEAST_GROUPS:
        return 0.0
    losses = [np.mean([loss(values / t, own) for values, own in groups]) for t in TEMPERATURES]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 4)


def fit_difference(looks: Sequence[Look]) -> float:
    """What a difference costs, likewise, with the temperature free.

    The least cost whose loss is within one standard error of the least (Breiman et al. 1984): above it the
    loss is flat, and a few photos decide how far a crop is believed.
    """
    looked = list(filter(was_compared, looks))
    similarities = printings(looked, lambda one: one.similarity)
    differences = printings(looked, lambda one: (one.difference or 0.0) * math.sqrt(one.agreement or 0.0))
    pairs = [(s, d, own) for (s, own), (d, _) in zip(similarities, differences, strict=True)]
    if not pairs:
        return 0.0
    losses = np.array([_least_losses(pairs, float(weight)) for weight in _DIFFERENCES])
    means = losses.mean(axis=1)
    error = losses[means.argmin()].std() / np.sqrt(len(pairs))
    return round(float(_DIFFERENCES[np.flatnonzero(means <= means.min() + error)[0]]), 4)


def _least_losses(pairs: Sequence[tuple[Floats, Floats, int]], weight: float) -> Floats:
    """Losses (pairs,) at the temperature at which their mean is least."""
    at = [[loss((s - weight * d) / t, own) for s, d, own in pairs] for t in TEMPERATURES]
    return np.array(at[int(np.argmin(np.mean(at, axis=1)))])


def printings(looks: Sequence[Look], of: Callable[[RankedCard], float]) -> list[tuple[Floats, int]]:
    """For known looks at pictures of several printings: a value of each printing, and which is right."""
    groups = []
    for look in looks:
        members = look.ranking.members()
        own = [place for place, one in enumerate(members) if one.card.card_id == look.card_id]
        if not look.masked and look.artwork_right and own and len(members) > 1:
            groups.append((np.array([of(one) for one in members]), own[0]))
    return groups


def was_compared(look: Look) -> bool:
    """Whether printings of the leader's picture were compared with the photo."""
    return any(one.difference is not None for one in look.ranking.members())


def loss(logits: Floats, own: int) -> float:
    """Negative logarithm of the probability that these logits give to the right one."""
    highest = float(logits.max())
    return highest + float(np.log(np.exp(logits - highest).sum())) - float(logits[own])
