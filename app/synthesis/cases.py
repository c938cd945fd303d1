"""How cards in rigid holders stand in a case: columns of a rack, each holder over the one behind it."""

from __future__ import annotations

import numpy as np

from app.synthesis.canvas import Placement
from app.synthesis.degrade import happens, uniform
from app.synthesis.holders import CARD_MM
from app.synthesis.rigid import RigidHolder

#: Of a rack, how much of a holder's height the next one stands lower; beyond 1 they stand apart.
_STEPS = ((0.36, 0.7), (0.75, 1.0), (1.01, 1.2))


def rack(count: int, rng: np.random.Generator) -> tuple[list[Placement], list[RigidHolder]]:
    """Places of the cards, the hindmost first, and what each is kept in."""
    usual = RigidHolder(rng.choice(list(RigidHolder)))
    mixed = happens(rng, 0.25)
    columns = max(1, min(count, round(uniform(rng, (0.8, 2.0)) * count**0.5)))
    step_mm = uniform(rng, _STEPS[int(rng.integers(len(_STEPS)))]) * usual.size_mm[1]
    apart_mm = usual.size_mm[0] + uniform(rng, (-4.0, 9.0))
    uneven_mm = rng.normal(0, uniform(rng, (0, 14)), columns)  # racks of a shop do not begin in one line
    untidy = uniform(rng, (0.2, 1.5))
    places, holders = [], []
    for index in range(count):
        row, column = divmod(index, columns)
        holder = RigidHolder(rng.choice(list(RigidHolder))) if mixed else usual
        x = column * apart_mm + float(rng.normal(0, untidy))
        y = row * step_mm + uneven_mm[column] + float(rng.normal(0, untidy))
        places.append(Placement((x, float(y)), CARD_MM, float(rng.normal(0, untidy)) % 360.0))
        holders.append(holder)
    return places, holders
