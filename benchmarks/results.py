"""Where benchmarks put their figures: one JSON file each, with the machine they were taken on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

RESULTS_DIR = Path(__file__).resolve().parent / "results"


def describe_machine() -> dict[str, object]:
    """Processor, cores, memory and Python of this machine."""
    return {
        "processor": _processor_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "python": platform.python_version(),
    }


def write_result(name: str, figures: Mapping[str, object], also: Path | None = None) -> Path:
    """Writes ``benchmarks/results/NAME.json``, and the same to another file where one is given; says so."""
    RESULTS_DIR.mkdir(exist_ok=True)
    path = RESULTS_DIR / f"{name}.json"
    content = {
        "benchmark": name,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        **figures,
    }
    for target in (path, *filter(None, (also,))):
        target.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        print(f"written: {target}")
    return path


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    p50, p95 = np.percentile(values, (50, 95))
    return {"p50": float(p50), "p95": float(p95)}


def _processor_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
