"""``python -m benchmarks.learning``: errors before and after corrections, some of which may be wrong."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
from rich.console import Console
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
        for card_id, found in matched(page, result.cards):
            named = None if found.card is None else found.card.card_id
            answers[card_id] = named
            candidates = tuple(one.card.card_id for one in found.candidates)
            seen.append(Seen(found.detection_id, card_id, named, candidates))
    return answers, seen


def matched(page: Page, found: Sequence[Identification]) -> Iterable[tuple[str, Identification]]:
    """Each card that a page shows with the detection that shows it, where there is one."""
    for quad_px, card_id in zip(page.quads_px, page.card_ids, strict=True):
        overlaps = [quad_iou(one.quad_px, quad_px) for one in found]
        if overlaps and max(overlaps) >= _SAME_IOU:
            yield card_id, found[int(np.argmax(overlaps))]


async def submit(runtime: Runtime, said: Sequence[Said]) -> tuple[list[UUID], Counter[str]]:
    """Sends corrections and lets them be learnt; their ids, and how many right and wrong ones stand how."""
    ids = []
    for one in said:
        stored, _ = await runtime.corrections.submit(
            NewCorrection(Verdict.CARD, detection_id=one.detection_id, card_id=one.card_id, key_id=one.person)
        )
        ids.append(stored.correction_id)
    await runtime.learning.run_once()
    standing: Counter[str] = Counter()
    for one, correction_id in zip(said, ids, strict=True):
        status = (await runtime.corrections.get(correction_id)).status
        standing[f"{'right' if one.is_right else 'wrong'} {status}"] += 1
    return ids, standing


async def measure(options: argparse.Namespace, work: Path) -> dict[str, dict[str, object]]:
    """The whole experiment; figures by attack, each over a gallery that has forgotten all others."""
    cards = full_art_cards(options.cards, options.seed)
    ids = [card.card.card_id for card in cards]
    # What is compared must not depend on how busy the machine is.
    settings = benchmark_settings(work, learning=False, verification_budget_ms=10_000)
    found: dict[str, dict[str, object]] = {}
    async with open_gallery(settings, cards, work / "cards") as runtime:
        held_back = list(photograph(cards, options.seed + 1, options.strength, options.level))
        before, _ = await answer(runtime, held_back, store=False)
        others = photograph(cards, options.seed + 2, options.strength, options.level)
        _, seen = await answer(runtime, others, store=True)
        # People put right what is wrong before they confirm what is right.
        chosen = sorted(seen, key=lambda one: one.answered == one.card_id)[: options.corrections]
        corrected = {one.card_id for one in chosen}
        for attack, persons in _attacks(options):
            rng = np.random.default_rng([options.seed, 3])
            said = corrections(chosen, ids, attack, options.wrong, persons, rng)
            started = time.perf_counter()
            sent, standing = await submit(runtime, said)
            seconds = time.perf_counter() - started
            after, _ = await answer(runtime, held_back, store=False)
            figures = _compared(before, after, {"corrected": corrected, "others": set(ids) - corrected})
            name = f"{attack}, {persons} keys" if attack != "none" else attack
            found[name] = {
                **figures,
                "standing": dict(standing),
                "seconds_a_correction": seconds / len(said),
            }
            print(name, found[name], flush=True)
            for one in sent:
                await runtime.scans.undo_correction(one)
            await runtime.learning.judge()
    return found


def _attacks(options: argparse.Namespace) -> list[tuple[str, int]]:
    """What is tried: each attack by each number of keys, right corrections alone by one."""
    named = options.attacks.split(",")
    if unknown := set(named) - set(ATTACKS):
        raise SystemExit(f"no such attack: {', '.join(sorted(unknown))}; there are {', '.join(ATTACKS)}")
    persons = [int(number) for number in options.persons.split(",")]
    return [(attack, number) for attack in named for number in (persons[:1] if attack == "none" else persons)]


def _compared(before: Answers, after: Answers, groups: dict[str, set[str]]) -> dict[str, object]:
    """Errors of all cards and of each group that were found both times, with Wilson intervals.

    And what turned: each card whose answer became wrong, with its answers, and how many became right.
    """
    figures: dict[str, object] = {}
    for name, group in {"all": before.keys() | after.keys(), **groups}.items():
        both = [card_id for card_id in group if card_id in before and card_id in after]
        for when, answers in (("before", before), ("after", after)):
            errors = sum(answers[card_id] != card_id for card_id in both)
            named = sum(answers[card_id] not in (card_id, None) for card_id in both)
            low, high = wilson_interval(errors, len(both))
            figures[f"{name}, {when}"] = {
                "errors": errors,
                "named wrongly": named,
                "cards": len(both),
                "interval": [low, high],
            }
        turned = [
            (card_id, before[card_id], after[card_id])
            for card_id in sorted(both)
            if (before[card_id] == card_id) != (after[card_id] == card_id)
        ]
        figures[f"{name}, turned wrong"] = [one for one in turned if one[1] == one[0]]
        figures[f"{name}, turned right"] = sum(one[2] == one[0] for one in turned)
    return figures


def main() -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=1000)
    parser.add_argument("--corrections", type=int, default=300)
    parser.add_argument("--strength", type=float, default=0.35, help="share of a card that mirrors")
    parser.add_argument("--level", choices=("easy", "medium", "hard"), default="medium")
    parser.add_argument("--attacks", default="none", help=f"of {', '.join(ATTACKS)}; several with commas")
    parser.add_argument("--wrong", type=float, default=0.3, help="share of the corrections that are wrong")
    parser.add_argument("--persons", default="1", help="keys that take turns; several numbers with commas")
    parser.add_argument("--seed", type=int, default=7001)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = asyncio.run(measure(options, Path(scratch)))
    _print(found, options.seed)
    settings = {"seed": options.seed, "strength": options.strength, "level": options.level}
    write_result("learning", {**settings, "attacks": found})


def _print(found: dict[str, dict[str, object]], seed: int) -> None:
    table = Table(title=f"errors, seed {seed}")
    for column in ("", "before", "after", "cards", "95 % after", "corrections"):
        table.add_column(column)
    for attack, figures in found.items():
        for group in ("all", "corrected", "others"):
            before, after = (dict(figures[f"{group}, {when}"]) for when in ("before", "after"))  # type: ignore[call-overload]
            low, high = after["interval"]
            told = str(figures["standing"]) if group == "all" else ""
            row = (str(before["errors"]), str(after["errors"]), str(after["cards"]))
            table.add_row(f"{attack}: {group}", *row, f"{low:.1%} to {high:.1%}", told)
    Console().print(table)


if __name__ == "__main__":
    main()
