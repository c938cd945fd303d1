"""``python -m benchmarks.learning.printings``: what photos of one printing do to answers about the others.

Of each picture with two printings one is photographed and confirmed; other photos of both, by the same
camera, are answered before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.domain.types import Identification, Status
from app.services.identify import IdentifyOptions
from app.services.runtime import Runtime
from app.synthesis.catalogue import InventedCard, invent_catalogue
from benchmarks.galleries import benchmark_settings, open_gallery
from benchmarks.learning.__main__ import matched, submit
from benchmarks.learning.attacks import Said
from benchmarks.learning.photos import Page, photograph
from benchmarks.results import write_result

Tally = dict[str, Counter[str]]


def pairs_of_printings(count: int, seed: int) -> list[tuple[InventedCard, InventedCard]]:
    """Two printings of each of ``count`` pictures."""
    cards = invent_catalogue(seed, 2 * count, reprint_share=0.9, foil_share=0.0, language_share=0.0)
    groups: dict[str, list[InventedCard]] = defaultdict(list)
    for card in cards:
        groups[card.artwork_id].append(card)
    found = [(group[0], group[1]) for group in groups.values() if len(group) > 1]
    return found[:count]


async def measure(options: argparse.Namespace, work: Path) -> dict[str, Tally]:
    """Answers before and after, of the printing that was confirmed and of the other one."""
    pairs = pairs_of_printings(options.pairs, options.seed)
    cards = [card for pair in pairs for card in pair]
    roles = {pair[0].card.card_id: "other" for pair in pairs}
    roles |= {pair[1].card.card_id: "confirmed" for pair in pairs}
    twin = {a.card.card_id: b.card.card_id for pair in pairs for a, b in (pair, pair[::-1])}
    settings = benchmark_settings(work, learning=False, verification_budget_ms=10_000)
    async with open_gallery(settings, cards, work / "cards") as runtime:
        held_back = list(photograph(cards, options.seed + 1, options.strength, options.level))
        found = {"before": await _tally(runtime, held_back, roles, twin)}
        said = []
        confirmed = [pair[1] for pair in pairs]
        for page in photograph(confirmed, options.seed + 2, options.strength, options.level):
            result, _ = await runtime.identify.identify(page.jpeg, IdentifyOptions(), store=True)
            said += [Said(one.detection_id, card, True, None) for card, one in matched(page, result.cards)]
        _, standing = await submit(runtime, said)
        print(dict(standing))
        found["after"] = await _tally(runtime, held_back, roles, twin)
    return found


async def _tally(
    runtime: Runtime, pages: Iterable[Page], roles: dict[str, str], twin: dict[str, str]
) -> Tally:
    tally: Tally = {role: Counter() for role in ("confirmed", "other")}
    for page in pages:
        result, _ = await runtime.identify.identify(page.jpeg, IdentifyOptions(), store=False)
        for card_id, one in matched(page, result.cards):
            tally[roles[card_id]].update(("cards", *_words(one, card_id, twin[card_id])))
    return tally


def _words(one: Identification, card_id: str, twin_id: str) -> Sequence[str]:
    named = None if one.card is None else one.card.card_id
    what = {card_id: "right", twin_id: "the twin", None: "unknown"}.get(named, "another picture")
    return (what, f"{what}, accepted") if one.status is Status.ACCEPTED else (what,)


def main() -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--strength", type=float, default=0.1, help="share of a card that mirrors")
    parser.add_argument("--level", choices=("easy", "medium", "hard"), default="medium")
    parser.add_argument("--seed", type=int, default=7401)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = asyncio.run(measure(options, Path(scratch)))
    figures = {when: {role: dict(counts) for role, counts in tally.items()} for when, tally in found.items()}
    for when, tally in figures.items():
        print(when, tally)
    write_result("learning_printings", {"seed": options.seed, "strength": options.strength, **figures})


if __name__ == "__main__":
    main()
