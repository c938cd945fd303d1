"""``python -m benchmarks.chaos`` (``make chaos``): faults on purpose, each part bounded in time.

``--only NAME`` runs one part or several, ``--seconds N`` changes how long each lasts, ``--times N`` how often
something is killed. Ends with exit status 1 where a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from app.cli.wiring import table_console
from benchmarks.chaos.dose import Dose, Part
from benchmarks.chaos.ground import Ground, prepare
from benchmarks.chaos.parts import PARTS
from benchmarks.chaos.promises import Outcome
from benchmarks.results import write_result


def run_part(part: Part, ground: Ground, dose: Dose) -> Outcome:
    """Runs one part; what it raises is a broken promise of the suite itself, and the others still run."""
    print(f"== {part.name}: {part.summary} ({dose.seconds:.0f} s)", flush=True)
    started = time.perf_counter()
    try:
        outcome = part.run(ground, dose)
    except Exception as error:  # one part that fails must not hide what the others find
        traceback.print_exc()
        outcome = Outcome()
        outcome.promise("the part runs to its end", False, repr(error))
    outcome.measured(part_s=round(time.perf_counter() - started, 1), load_average=os.getloadavg()[0])
    for name, value in outcome.figures.items():
        print(f"   {name}: {value}", flush=True)
    for one in outcome.promises:
        print(f"   {'kept' if one.kept else 'BROKEN'}: {one.text} ({one.found})", flush=True)
    return outcome


def print_table(outcomes: Mapping[str, Outcome]) -> None:
    """Every promise, the broken ones in capitals."""
    table = Table("part", "promise", "held", "found")
    for name, outcome in outcomes.items():
        for one in outcome.promises:
            table.add_row(name, one.text, "yes" if one.kept else "BROKEN", one.found)
    table_console().print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the parts, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[part.name for part in PARTS], metavar="NAME")
    parser.add_argument("--seconds", type=float, help="for each part, in place of its own time")
    parser.add_argument("--times", type=int, help="kills or pictures, in place of a part's own number")
    parser.add_argument("--list", action="store_true", help="name the parts and do nothing")
    parser.add_argument("--json", type=Path, help="write the results here as well")
    options = parser.parse_args(arguments)
    if options.list:
        for part in PARTS:
            print(f"{part.name:20} {part.summary}")
        return
    # Asked to end, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped before the end"))
    chosen = [part for part in PARTS if options.only is None or part.name in options.only]
    obstacles = {part.name: obstacle for part in chosen if (obstacle := part.obstacle())}
    chosen = [part for part in chosen if part.name not in obstacles]
    for missing, obstacle in obstacles.items():
        print(f"{missing} cannot be run on this machine: {obstacle}", flush=True)
    if not chosen:
        sys.exit(1)
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="chaos") as scratch:
        ground = asyncio.run(prepare(Path(scratch)))
        for part in chosen:
            dose = Dose(options.seconds or part.seconds, options.times or part.times)
            outcomes[part.name] = run_part(part, ground, dose)
    print_table(outcomes)
    name = "chaos" if options.only is None else "chaos " + " ".join(outcomes)
    write_result(name, {part: one.as_json() for part, one in outcomes.items()}, options.json)
    if not all(one.kept for one in outcomes.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
