"""``python -m benchmarks.learning``: errors before and after corrections, some of which may be wrong."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.domain.correction_types import NewCorrection, Verdict
from app.domain.geometry import quad_iou
from app.domain.statistics import wilson_interval
from app.domain.types import Identification
from app.services.identify import IdentifyOptions
from app.services.runtime import Runtime
from benchmarks.galleries import benchmark_settings, open_gallery
from benchmarks.learning.attacks import ATTACKS, Said, Seen, corrections
from benchmarks.learning.photos import Page, full_art_cards, photograph
from benchmarks.results import write_result

#: A detection shows a card where they overlap so much.
_SAME_IOU = 0.5

Answers = dict[str, str | None]
"""What was answered for each card that was found; None for unknown."""


async def answer(runtime: Runtime, pages: Iterable[Page], *, store: bool) -> tuple[Answers, list[Seen]]:
    """Identifies every page; what was answered by true card, and the detections."""
    answers: Answers = {}
    seen = []
    for page in pages:
        result, _ = await runtime.identify.identify(page.jpeg, IdentifyOptions(), store=store)
        for card_id, found in _matched(page, result.cards):
            named = None if found.card is None else found.card.card_id
            answers[card_id] = named
            candidates = tuple(one.card.card_id for one in found.candidates)
            seen.append(Seen(found.detection_id, card_id, named, candidates))
    return answers, seen


def _matched(page: Page, found: Sequence[Identification]) -> Iterable[tuple[str, Identification]]:
    for quad_px, card_id in zip(page.quads_px, page.card_ids, strict=True):
        overlaps = [quad_iou(one.quad_px, quad_px) for one in found]
        if overlaps and max(overlaps) >= _SAME_IOU:
            yield card_id, found[int(np.argmax(overlaps))]


async def submit(runtime: Runtime, said: Sequence[Said]) -> Counter[tuple[bool, str]]:
    """Sends the corrections and lets them be learnt; how many right and wrong ones stand how."""
    ids = []
    for one in said:
        stored, _ = await runtime.corrections.submit(
            NewCorrection(Verdict.CARD, detection_id=one.detection_id, card_id=one.card_id, key_id=one.person)
        )
        ids.append(stored.correction_id)
    await runtime.learning.run_once()
    standing: Counter[tuple[bool, str]] = Counter()
    for one, correction_id in zip(said, ids, strict=True):
        standing[one.is_right, str((await runtime.corrections.get(correction_id)).status)] += 1
    return standing


async def measure(options: argparse.Namespace, work: Path) -> dict[str, object]:
    """The whole experiment; figures for the table and the file."""
    cards = full_art_cards(options.cards, options.seed)
    ids = [card.card.card_id for card in cards]
    async with open_gallery(benchmark_settings(work, learning=False), cards, work / "cards") as runtime:
        held_back = list(photograph(cards, options.seed + 1, options.strength, options.level))
        before, _ = await answer(runtime, track(held_back, "before", transient=True), store=False)
        others = photograph(cards, options.seed + 2, options.strength, options.level)
        _, seen = await answer(runtime, track(list(others), "others", transient=True), store=True)
        # People put right what is wrong before they confirm what is right.
        chosen = sorted(seen, key=lambda one: one.answered == one.card_id)[: options.corrections]
        rng = np.random.default_rng([options.seed, 3])
        said = corrections(chosen, ids, options.attack, options.wrong, options.persons, rng)
        started = time.perf_counter()
        standing = await submit(runtime, said)
        seconds = time.perf_counter() - started
        after, _ = await answer(runtime, track(held_back, "after", transient=True), store=False)
    corrected = {one.card_id for one in chosen}
    figures: dict[str, object] = {"seconds_a_correction": seconds / max(1, len(said))}
    for name, group in (
        ("all", set(ids)),
        ("corrected", corrected),
        ("never corrected", set(ids) - corrected),
    ):
        both = [card_id for card_id in group if card_id in before and card_id in after]
        for when, answers in (("before", before), ("after", after)):
            errors = sum(answers[card_id] != card_id for card_id in both)
            low, high = wilson_interval(errors, len(both))
            figures[f"{name}, {when}"] = {"errors": errors, "cards": len(both), "interval": [low, high]}
    figures["standing"] = {
        f"{'right' if right else 'wrong'} {status}": count for (right, status), count in standing.items()
    }
    return figures


def main() -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=1000)
    parser.add_argument("--corrections", type=int, default=300)
    parser.add_argument("--strength", type=float, default=0.8, help="of foil and camera")
    parser.add_argument("--level", choices=("easy", "medium", "hard"), default="medium")
    parser.add_argument("--attack", choices=ATTACKS, default="none")
    parser.add_argument("--wrong", type=float, default=0.3, help="share of the corrections that are wrong")
    parser.add_argument("--persons", type=int, default=1, help="keys that take turns")
    parser.add_argument("--seed", type=int, default=7001)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = asyncio.run(measure(options, Path(scratch)))
    table = Table(title=f"{options.attack}, {options.persons} keys, seed {options.seed}")
    for column in ("", "errors", "cards", "95 %"):
        table.add_column(column)
    for name, found in figures.items():
        if isinstance(found, dict) and "errors" in found:
            low, high = found["interval"]
            table.add_row(name, str(found["errors"]), str(found["cards"]), f"{low:.2%} to {high:.2%}")
    console = Console()
    console.print(table)
    console.print(figures["standing"], f"{figures['seconds_a_correction']:.3f} s a correction")
    write_result(
        f"learning_{options.attack}_{options.persons}",
        {"seed": options.seed, "strength": options.strength, **figures},
    )


if __name__ == "__main__":
    main()
