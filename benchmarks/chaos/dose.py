"""How much of a part is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome


@dataclass(frozen=True, slots=True)
class Dose:
    """Bounds of a part: seconds, and how often something is done."""

    seconds: float
    times: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the suite, with its own dose, and why it cannot be run on this machine, if so."""

    name: str
    summary: str
    run: Callable[[Ground, Dose], Outcome]
    seconds: float
    times: int = 20
    obstacle: Callable[[], str | None] = lambda: None
