"""How often the very printing is named, and how honest the answers are: ``python -m benchmarks.printings``.

Single cards, cut out not quite exactly by ``benchmarks.simulator.single``, are answered page by page by the
product's services over a gallery of its own in the embedded database. The gallery holds invented cards of a
seed that nothing else uses, in artwork groups of one to six; with ``--galleries`` it holds the real cards of
a folder instead. Some cards are left out with every printing of their picture: for them ``unknown`` is right.

    python -m benchmarks.printings --cards 300 --absent 60 --known 60 --unknown 30    # two minutes at most
    python -m benchmarks.printings --keep FOLDER                                      # in full
    python -m benchmarks.printings --galleries FOLDER --keep FOLDER                   # real cards
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.progress import Progress

from app.domain.errors import BinderlensError
from benchmarks.printings.collection import CardCollection, invented_collection, real_collection
from benchmarks.printings.measuring import Tally
from benchmarks.printings.photos import Plan
from benchmarks.printings.pipeline import VARIANTS
from benchmarks.printings.running import run
from benchmarks.printings.tables import format_comparison, format_tally
from benchmarks.results import write_result
from benchmarks.simulator.levels import LEVELS


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--galleries", type=Path, help="folder of CSV manifests of real cards and pictures")
    parser.add_argument("--cards", type=int, default=5000, help="invented cards in the gallery, at least")
    parser.add_argument("--absent", type=int, default=1000, help="cards left out of the gallery, at least")
    parser.add_argument("--known", type=int, default=2000, help="photos of the gallery's cards at each level")
    parser.add_argument("--unknown", type=int, default=1000, help="photos of absent cards at each level")
    parser.add_argument("--levels", default="easy,medium,hard", help="levels, separated by commas")
    parser.add_argument("--seed", type=int, default=1, help="of the invented game and of the photos")
    parser.add_argument("--page", type=int, default=9, help="cards answered together")
    parser.add_argument("--sorted", action="store_true", help="a page's cards come from one set")
    parser.add_argument(
        "--ablation",
        default=next(iter(VARIANTS)),
        help=f"what to measure on the same photos, separated by commas: {', '.join(VARIANTS)}",
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes that take photos; 0: none")
    parser.add_argument("--keep", type=Path, help="folder for the gallery, which the next run uses again")
    options = parser.parse_args(arguments)
    strange = [name for name in options.levels.split(",") if name not in LEVELS]
    strange += [name for name in options.ablation.split(",") if name not in VARIANTS]
    if strange:
        parser.error(f"there is no {strange[0]!r}")
    if min(options.cards, options.known, options.page) < 1 or min(options.absent, options.unknown) < 0:
        parser.error("--cards, --known and --page must be at least 1, --absent and --unknown at least 0")
    return options


def _collect(options: argparse.Namespace, work: Path) -> tuple[CardCollection, Path]:
    """The cards, and a folder that belongs to these alone."""
    if options.galleries:
        folder = work / f"real_{options.seed}_{options.absent}"
        return real_collection(options.galleries, options.absent, options.seed), folder
    folder = work / f"invented_{options.seed}_{options.cards}_{options.absent}"
    return invented_collection(options.cards, options.absent, options.seed, folder / "cards"), folder


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        levels=options.levels.split(","),
        known=options.known,
        unknown=options.unknown if options.absent else 0,
        seed=options.seed,
        cards_a_page=options.page,
        sorted_pages=options.sorted,
    )


def _measure(options: argparse.Namespace, work: Path) -> tuple[CardCollection, dict[str, Tally]]:
    collection, folder = _collect(options, work)
    plan, variants = _plan(options), {name: VARIANTS[name] for name in options.ablation.split(",")}
    galleries = len({variant.whitening_exponent for variant in variants.values()})
    with Progress(transient=True) as bar:
        photos = galleries * (plan.known + plan.unknown)
        bars = {level: bar.add_task(level, total=photos) for level in plan.levels}
        tallies = run(
            collection,
            plan,
            variants,
            folder,
            options.jobs,
            lambda level, photos: bar.advance(bars[level], photos),
        )
        return collection, asyncio.run(tallies)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints tables and writes the figures; returns 1 when something is missing or broken."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory() if options.keep is None else nullcontext(options.keep) as work:
        try:
            collection, tallies = _measure(options, Path(work))
        except (BinderlensError, ValueError) as error:
            print(error, file=sys.stderr)
            return 1
    print(f"{len(collection.known)} cards in the gallery, {len(collection.unknown)} left out of it\n")
    for name, tally in tallies.items():
        print(f"{collection.name}, {name}\n\n{format_tally(tally)}\n")
    if len(tallies) > 1:
        print(format_comparison(tallies))
    settings = {name: value for name, value in vars(options).items() if not isinstance(value, Path)}
    write_result(
        f"printings_{collection.name}",
        {
            **settings,
            "gallery_cards": len(collection.known),
            "absent_cards": len(collection.unknown),
            "variants": {name: tally.as_json() for name, tally in tallies.items()},
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
