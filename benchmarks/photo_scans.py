"""What is answered for real photos: ``python -m benchmarks.photo_scans --photos DIR --galleries DIR``.

The gallery is every manifest of a folder. ``names.json`` beside the photos says by name which cards most of
them show; a name that is answered although no such card is on the photo is wrong. Every scan is drawn with
what was found, to be looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import track
from rich.table import Table

from app.cli.overlay import write_overlay
from app.cli.wiring import table_console
from app.domain.types import ScanResult, Status
from app.main import open_runtime
from app.services.identify import IdentifyOptions
from benchmarks.galleries import benchmark_settings, import_manifest
from benchmarks.results import write_result

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(frozen=True, slots=True)
class PhotoAnswer:
    """One photo: how many cards are there (None: nobody said) and found, and which names were answered."""

    photo: str
    there: int | None
    found: int
    accepted: tuple[str, ...]
    review: tuple[str, ...]
    wrong: tuple[str, ...]
    total_ms: float


def judge(photo: str, result: ScanResult, names: Sequence[str | None] | None) -> PhotoAnswer:
    """Compares an answer with the names on a photo; each name on it stands for one card."""
    answered = {
        status: tuple(card.card.name for card in result.cards if card.card and card.status is status)
        for status in (Status.ACCEPTED, Status.REVIEW)
    }
    everything = Counter(answered[Status.ACCEPTED] + answered[Status.REVIEW])
    there = Counter(name for name in names if name) if names is not None else everything
    return PhotoAnswer(
        photo=photo,
        there=len(names) if names is not None else None,
        found=len(result.cards),
        accepted=answered[Status.ACCEPTED],
        review=answered[Status.REVIEW],
        wrong=tuple((everything - there).elements()),
        total_ms=result.timings_ms["total"],
    )


def read_names(photos: Path) -> dict[str, list[str | None] | None]:
    """Every photo below a folder by its path, with the names of the cards on it; None where nobody said."""
    said = json.loads((photos / "names.json").read_text(encoding="utf-8"))
    found = sorted(path for path in photos.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = [str(path.relative_to(photos)) for path in found]
    return {path: [card["name"] for card in said[path]["cards"]] if path in said else None for path in paths}


async def measure(photos: Path, manifests: Sequence[Path], overlays: Path) -> list[PhotoAnswer]:
    """Fills a gallery in a database that is thrown away, answers every photo and draws what was found."""
    answers = []
    with tempfile.TemporaryDirectory() as scratch:
        async with open_runtime(benchmark_settings(Path(scratch))) as runtime:
            for manifest in manifests:
                await import_manifest(runtime, manifest, manifest.parent)
            for photo, names in track(read_names(photos).items(), "photos", transient=True):
                data = (photos / photo).read_bytes()
                result, _ = await runtime.identify.identify(data, IdentifyOptions(), store=False)
                write_overlay(overlays / f"{photo}.jpg", data, result, runtime.settings)
                answers.append(judge(photo, result, names))
    return answers


def print_answers(answers: Sequence[PhotoAnswer]) -> None:
    """One row for each photo."""
    table = Table("photo", "there", "found", "accepted", "review", "not on it", "ms")
    for one in answers:
        table.add_row(
            one.photo,
            "-" if one.there is None else str(one.there),
            str(one.found),
            *(", ".join(names) for names in (one.accepted, one.review, one.wrong)),
            f"{one.total_ms:.0f}",
        )
    table_console().print(table)


def main() -> None:
    """Answers, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--galleries", type=Path, required=True)
    parser.add_argument("--overlays", type=Path, default=Path("found"), help="folder for what was found")
    arguments = parser.parse_args()
    answers = asyncio.run(
        measure(arguments.photos, sorted(arguments.galleries.glob("*.csv")), arguments.overlays)
    )
    print_answers(answers)
    rows = [{name: getattr(one, name) for name in PhotoAnswer.__dataclass_fields__} for one in answers]
    write_result("photo_scans", {"photos": rows})


if __name__ == "__main__":
    main()
