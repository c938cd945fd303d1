"""``python -m benchmarks`` (``make bench``): what needs nothing but this repository, in ten minutes.

``benchmarks.prepare`` comes first: what is made once, some six minutes, and kept.
``--long`` (``make bench-long``) runs what takes longer: the same with more scans and over the large gallery,
whole scans' accuracy, growth to a million templates, 500 scans.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.random_clip import can_quantise
from scripts.screenshots.browser import find_chromium

_CLIP = ("--random-weights", "--precision", "int8")
#: As many templates as a large game has; importing as many cards with ViT-L-14 would take a second a card.
_LARGE = ("--templates", "46512")

_PREPARATION = ("benchmarks.prepare",)
SUITE: tuple[tuple[str, ...], ...] = (
    ("benchmarks.encoder_speed", "--rounds", "1", "--batches", "2", "--encoders", "compact", "vit-l-14"),
    ("benchmarks.page_load", "--gallery", "300", "--scans", "40", "--warm-up", "10"),
    ("benchmarks.page_load", *_CLIP, "--gallery", "60", "--scans", "12", "--warm-up", "4"),
    ("benchmarks.search_speed", "--exact-pages", "4"),
    ("benchmarks.clients", "--gallery", "300", "--seconds", "20"),
    ("benchmarks.import_rate", "--cards", "500"),
    ("benchmarks.start_time", "--starts", "5"),
    ("benchmarks.start_time", *_CLIP, "--starts", "3", "--gallery", "9"),
)
LONG_SUITE: tuple[tuple[str, ...], ...] = (
    ("benchmarks.scan_accuracy",),
    *((("benchmarks.page_paint",),) if find_chromium() else ()),
    ("benchmarks.encoder_speed",),
    ("benchmarks.page_load", *_LARGE, "--scans", "500"),
    ("benchmarks.page_load", *_CLIP, *_LARGE, "--gallery", "60", "--scans", "500"),
    ("benchmarks.import_rate", "--cards", "4000"),
    ("benchmarks.gallery_life",),
    ("benchmarks.gallery_growth",),
)


def main() -> None:
    """Runs each benchmark in a process of its own, so that none inherits another's memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="what takes hours instead")
    suite = LONG_SUITE if parser.parse_args().long else SUITE
    for module, *arguments in (_PREPARATION, *suite):
        if _CLIP[0] in arguments and not can_quantise():
            print(
                f"== {module}: left out, int8 needs a processor that multiplies it and the extra `quantise`"
            )
            continue
        print(f"== {module}", flush=True)
        subprocess.run([sys.executable, "-m", module, *arguments], check=True)  # noqa: S603 - our own modules


if __name__ == "__main__":
    main()
