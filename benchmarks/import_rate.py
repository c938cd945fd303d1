"""How fast pictures are imported: ``python -m benchmarks.import_rate``.

Invented cards are drawn to files first, which is not counted. Then all of them are imported, templates,
features, artwork groups and index included, and once more, when there is nothing left to do.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from app.main import open_runtime
from app.synthesis.folder import write_gallery
from benchmarks.galleries import benchmark_settings, import_manifest, invented_cards
from benchmarks.results import write_result
from benchmarks.served_encoder import ServedEncoder, add_encoder_arguments, served_encoder


async def measure(work: Path, cards: int, encoder: ServedEncoder) -> dict[str, float]:
    """Imports twice."""
    manifest = write_gallery(invented_cards(cards)[:cards], work / "cards")
    async with open_runtime(benchmark_settings(work, **encoder.settings)) as runtime:
        started = time.perf_counter()
        report = await import_manifest(runtime, manifest, work / "cards")
        seconds = time.perf_counter() - started
        started = time.perf_counter()
        await import_manifest(runtime, manifest, work / "cards")
        again_s = time.perf_counter() - started
    return {
        "pictures": report.images,
        "seconds": seconds,
        "pictures_a_second": report.images / seconds,
        "again_s": again_s,
        "times_as_fast_again": seconds / again_s,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write the results here as well")
    add_encoder_arguments(parser)
    options = parser.parse_args(arguments)
    encoder = served_encoder(options)
    with tempfile.TemporaryDirectory() as scratch:
        figures = asyncio.run(measure(Path(scratch), options.cards, encoder))
    print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    write_result("import_rate", {"encoder": encoder.name, **figures}, options.json)


if __name__ == "__main__":
    main()
