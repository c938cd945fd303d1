"""From start to ready: ``python -m benchmarks.start_time``.

``binderlens serve`` is started again and again over a database that is there already, in a process of its own
each time; the time runs until ``/ready`` answers 200. The first start is counted apart.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from app.cli.wiring import table_console
from benchmarks.page_load import fill_gallery
from benchmarks.results import quantiles, write_result
from benchmarks.served_encoder import COMPACT, add_encoder_arguments, served_encoder
from benchmarks.service import running_service


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--gallery", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write the results here as well")
    add_encoder_arguments(parser)
    options = parser.parse_args(arguments)
    encoder = served_encoder(options)
    ready_s: list[float] = []
    peak_mb: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        asyncio.run(fill_gallery(work, options.gallery, encoder))
        for _ in range(options.starts + 1):
            with running_service(work / "data", encoder.environment) as service:
                ready_s.append(service.ready_s)
                memory = service.client.get("/memory").json()
                peak_mb.append(memory["peak_resident_bytes"] / 1e6)
    figures: dict[str, float] = {
        "first_s": ready_s[0],
        "p50_s": quantiles(ready_s[1:])["p50"],
        "p95_s": quantiles(ready_s[1:])["p95"],
        "peak_resident_mb": max(peak_mb),
    }
    table = Table("figure", encoder.name, title="start to ready")
    for name, value in figures.items():
        table.add_row(name, f"{value:.2f}")
    table_console().print(table)
    name = "start_time" if encoder == COMPACT else f"start_time {encoder.name}"
    write_result(name, {"encoder": encoder.name, "starts": options.starts, **figures}, options.json)


if __name__ == "__main__":
    main()
