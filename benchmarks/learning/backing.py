"""``python -m benchmarks.learning.backing``: what a crop says about cards that people name for it.

Photos of foils are answered (as in ``benchmarks.learning``), and for each of the first 300, wrong answers
first, three cards are named: the right one, the one that an attacker would name, and one at random. For each
how well its picture agrees with the crop, how far it leads the best other, whether the gallery finds it.
Counted is what the rule of ``app.services.learning.study`` calls backed, and what other bounds would.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.db.connect import open_database
from app.db.learning import PostgresLearning
from app.db.pool import Database
from app.domain.calibration_file import load_calibrations
from app.domain.correction_types import Verdict
from app.domain.learning_types import CorrectionToStudy, Findings, Support
from app.domain.ranking import Ranking
from app.domain.types import RgbImage
from app.services.learning import study
from app.services.learning.study import Evidence, Student, backs
from app.services.runtime import Runtime
from benchmarks.galleries import benchmark_settings, open_gallery
from benchmarks.learning.__main__ import answer
from benchmarks.learning.attacks import Seen
from benchmarks.learning.photos import full_art_cards, photograph
from benchmarks.results import write_result

KINDS = ("right", "lookalike", "random")
#: Bounds that are tried: of agreement, and of the lead of cards that are found and of those that are not.
_BOUNDS = ((0.05, 0.06, 0.065, 0.07, 0.08), (-0.2, -0.1, -0.05, 0.0), (0.05, 0.08, 0.1, 0.15, 0.25))
_SHOWN = 15


class _Noting(Student):
    """Keeps the evidence that it was last shown; None where the crop opposed the name."""

    last: Evidence | None = None

    async def evidence(self, upright: RgbImage, ranking: Ranking, card_id: str, group: int) -> Evidence:
        self.last = await super().evidence(upright, ranking, card_id, group)
        return self.last


async def measure(options: argparse.Namespace, work: Path) -> dict[str, list[Evidence | None]]:
    """Evidence for every name, by kind; None where the crop opposes it."""
    cards = full_art_cards(options.cards, options.seed)
    ids = [card.card.card_id for card in cards]
    rng = np.random.default_rng([options.seed, 4])
    found: dict[str, list[Evidence | None]] = {kind: [] for kind in KINDS}
    settings = benchmark_settings(work, learning=False, verification_budget_ms=10_000)
    async with open_gallery(settings, cards, work / "cards") as runtime:
        photos = photograph(cards, options.seed + 2, options.strength, options.level)
        _, seen = await answer(runtime, photos, store=True)
        chosen = sorted(seen, key=lambda one: one.answered == one.card_id)[: options.corrections]
        async with open_database(settings) as database:
            student = _student_of(runtime, database)
            for one in track(chosen, "crops"):
                for kind, card_id in _names(one, ids, rng):
                    found[kind].append(await _evidence(runtime, student, one, card_id))
    return found


def _student_of(runtime: Runtime, database: Database) -> _Noting:
    info = runtime.encoder.info
    calibrations = load_calibrations(runtime.settings.models_dir / info.name)
    store = PostgresLearning(database, info)
    return _Noting(
        runtime.settings, runtime.encoder, runtime.gallery, runtime.references, calibrations, store
    )


def _names(one: Seen, ids: Sequence[str], rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    others = [card_id for card_id in one.candidates if card_id != one.card_id]
    yield "right", one.card_id
    if others:
        yield "lookalike", others[0]
    yield "random", str(rng.choice([card_id for card_id in ids if card_id != one.card_id]))


async def _evidence(runtime: Runtime, student: _Noting, one: Seen, card_id: str) -> Evidence | None:
    crop = await runtime.scans.detection_image(one.detection_id)
    student.last = None
    named = CorrectionToStudy(one.detection_id, Verdict.CARD, card_id, crop)
    findings: Findings = await student.study(named)
    return None if findings.support is Support.OPPOSED else student.last


def backed_by(evidence: Sequence[Evidence | None], bounds: tuple[float, float, float]) -> int:
    """How many names some bounds would call backed."""
    return sum(one is not None and backs(one, *bounds) for one in evidence)


def main() -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=1000)
    parser.add_argument("--corrections", type=int, default=300)
    parser.add_argument("--strength", type=float, default=0.4, help="share of a card that mirrors")
    parser.add_argument("--level", choices=("easy", "medium", "hard"), default="medium")
    parser.add_argument("--seed", type=int, default=7306)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = asyncio.run(measure(options, Path(scratch)))
    now = {kind: sum(one is not None and backs(one) for one in found[kind]) for kind in KINDS}
    tried = [
        (bounds, [backed_by(found[kind], bounds) for kind in KINDS]) for bounds in itertools.product(*_BOUNDS)
    ]
    tried.sort(key=lambda one: one[1][0] - one[1][1], reverse=True)
    table = Table(
        "agreement", "lead", "lead of strangers", *(f"{kind} of {len(found[kind])}" for kind in KINDS)
    )
    as_it_is = (study.BACKING_AGREEMENT, study.BACKING_LEAD, study.BACKING_LEAD_OF_STRANGERS)
    table.add_row(*map(str, as_it_is), *(str(now[kind]) for kind in KINDS), end_section=True)
    for bounds, counts in tried[:_SHOWN]:
        table.add_row(*map(str, bounds), *map(str, counts))
    Console().print(table)
    write_result("learning_backing", {"seed": options.seed, "backed": now, "tried": tried[:_SHOWN]})


if __name__ == "__main__":
    main()
