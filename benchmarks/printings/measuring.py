"""Runs every variant over the same photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.services.runtime import Runtime
from benchmarks.printings.collection import CardCollection
from benchmarks.printings.figures import Outcome, add_up, outcome, stage_figures
from benchmarks.printings.grouping import Grouping
from benchmarks.printings.photos import Plan, Studio, Taken, pages, plan_shots
from benchmarks.printings.pipeline import Pipeline, page_of
from benchmarks.simulator.levels import Level

#: Levels that are counted together as well: the bar for ``accepted`` is over both.
TOGETHER: tuple[Level, Level] = ("easy", "medium")

#: Pages whose photos are in memory at once, some 5 MB each.
_PAGES_AT_ONCE = 12


@dataclass(slots=True)
class Tally:
    """What one variant gave, level by level, over a gallery with such artwork groups."""

    outcomes: dict[Level, list[Outcome]] = field(default_factory=dict)
    timings_ms: dict[Level, list[Mapping[str, float]]] = field(default_factory=dict)
    groups: Grouping | None = None

    def add(
        self, level: Level, outcomes: Sequence[Outcome], timings_ms: Mapping[str, float], *, timed: bool
    ) -> None:
        """Adds a page; ``timed`` is False for one that is smaller than the others."""
        self.outcomes.setdefault(level, []).extend(outcomes)
        kept = self.timings_ms.setdefault(level, [])
        if timed:
            kept.append(timings_ms)

    def as_json(self) -> dict[str, object]:
        """Figures of each level, and of the levels that are counted together."""
        figures: dict[str, object] = {}
        for name, outcomes in self.by_name().items():
            figures[name] = add_up(outcomes).as_json()
        stages = {level: stage_figures(spent) for level, spent in self.timings_ms.items() if spent}
        groups = self.groups.as_json() if self.groups else None
        return {"levels": figures, "milliseconds_a_page": stages, "artwork_groups": groups}

    def by_name(self) -> dict[str, list[Outcome]]:
        """Outcomes by the name of their level, easy and medium also together."""
        named: dict[str, list[Outcome]] = {}
        for level, outcomes in self.outcomes.items():
            named[level] = outcomes
            if level == TOGETHER[-1] and all(one in self.outcomes for one in TOGETHER):
                named[" + ".join(TOGETHER)] = [o for one in TOGETHER for o in self.outcomes[one]]
        return named


async def measure(
    runtime: Runtime,
    collection: CardCollection,
    plan: Plan,
    variants: Mapping[str, Callable[[Runtime], Pipeline]],
    jobs: int,
    progress: Callable[[Level, int], None] = lambda _level, _photos: None,
) -> dict[str, Tally]:
    """Answers the same photos by every variant.

    Args:
        runtime: The wired service, its gallery filled with ``collection``.
        collection: Whom to photograph.
        plan: How much.
        variants: Builders of what is measured, by name.
        jobs: Processes that take photos; they rest while pages are answered.
        progress: Told the level and how many photos have just been answered.

    Returns:
        What each variant gave.
    """
    pipelines = {name: build(runtime) for name, build in variants.items()}
    tallies = {name: Tally() for name in variants}
    with Studio(jobs) as studio:
        for level in plan.levels:
            shots = plan_shots(collection, plan, level)
            for part in pages(shots, _PAGES_AT_ONCE * plan.cards_a_page):
                taken = studio.take(part)
                for start in range(0, len(taken), plan.cards_a_page):
                    page = taken[start : start + plan.cards_a_page]
                    await _answer(page, level, pipelines, tallies, timed=len(page) == plan.cards_a_page)
                progress(level, len(taken))
    return tallies


async def _answer(
    page: Sequence[Taken],
    level: Level,
    pipelines: Mapping[str, Pipeline],
    tallies: Mapping[str, Tally],
    *,
    timed: bool,
) -> None:
    scan = page_of([photo.crop for photo in page])
    for name, pipeline in pipelines.items():
        answers = await pipeline.answer(scan)
        outcomes = [outcome(photo, card) for photo, card in zip(page, answers.cards, strict=True)]
        tallies[name].add(level, outcomes, answers.timings_ms, timed=timed)
