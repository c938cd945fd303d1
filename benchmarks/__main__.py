"""``python -m benchmarks`` (``make bench``): what needs nothing but this repository, in a quarter of an hour.

The first run embeds 46,512 pictures for ``search_speed``, some 30 minutes more.
``--long`` (``make bench-long``) runs what takes longer: growth to a million templates and 500 scans.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.random_clip import can_quantise
from scripts.screenshots.browser import find_chromium

#: ViT-L-14 over as many templates as a large game has; importing with it takes a second a card.
_CLIP = ("--random-weights", "--precision", "int8")
_LARGE = ("--gallery", "60", "--templates", "46512")

SUITE: tuple[tuple[str, ...], ...] = (
    ("benchmarks.scan_accuracy",),
    ("benchmarks.page_load",),
    ("benchmarks.page_load", *_CLIP, *_LARGE, "--scans", "20", "--warm-up", "5"),
    ("benchmarks.encoder_speed", "--rounds", "2", "--batches", "3"),
    ("benchmarks.search_speed",),
    ("benchmarks.clients", "--seconds", "20"),
    *((("benchmarks.page_paint",),) if find_chromium() else ()),
    ("benchmarks.start_time",),
    ("benchmarks.start_time", *_CLIP, "--starts", "4", "--gallery", "9"),
    ("benchmarks.import_rate", "--cards", "500"),
)
LONG_SUITE: tuple[tuple[str, ...], ...] = (
    ("benchmarks.page_load", "--scans", "500"),
    ("benchmarks.page_load", *_CLIP, *_LARGE, "--scans", "500"),
    ("benchmarks.import_rate", "--cards", "4000"),
    ("benchmarks.gallery_life",),
    ("benchmarks.gallery_growth",),
)


def main() -> None:
    """Runs each benchmark in a process of its own, so that none inherits another's memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="what takes longer than ten minutes instead")
    for module, *arguments in LONG_SUITE if parser.parse_args().long else SUITE:
        if _CLIP[0] in arguments and not can_quantise():
            print(
                f"== {module}: left out, int8 needs a processor that multiplies it and the extra `quantise`"
            )
            continue
        print(f"== {module}", flush=True)
        subprocess.run([sys.executable, "-m", module, *arguments], check=True)  # noqa: S603 - our own modules


if __name__ == "__main__":
    main()
