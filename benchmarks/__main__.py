"""``python -m benchmarks`` (``make bench``): every benchmark that needs nothing but this repository."""

from __future__ import annotations

import subprocess
import sys

SUITE: tuple[tuple[str, ...], ...] = (
    ("benchmarks.scan_accuracy",),
    ("benchmarks.page_load",),
    ("benchmarks.encoder_speed",),
)


def main() -> None:
    """Runs each benchmark in a process of its own, so that none inherits another's memory."""
    for module, *arguments in SUITE:
        print(f"== {module}", flush=True)
        subprocess.run([sys.executable, "-m", module, *arguments], check=True)  # noqa: S603 - our own modules


if __name__ == "__main__":
    main()
