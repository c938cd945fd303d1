"""``python -m benchmarks.learning.real_photos --photos DIR --galleries DIR``: real photos, before and after.

Of every two photos one is corrected as a person would: names that are right are confirmed, wrong ones are
said to be of no card in the gallery. The other photos are answered before and after, then the halves change
places. The gallery is every manifest of a folder; ``names.json`` beside the photos says what they show.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from rich.progress import track
from rich.table import Table

from app.cli.wiring import table_console
from app.domain.correction_types import NewCorrection, Verdict
from app.domain.types import ScanResult, Status
from app.main import open_runtime
from app.services.identify import IdentifyOptions
from app.services.runtime import Runtime
from benchmarks.galleries import benchmark_settings, import_manifest
from benchmarks.photo_scans import read_names
from benchmarks.results import write_result

#: Names whose artwork the gallery has, as the photos' description says (and Shatter, by looking), and photos
#: that show another artwork under such a name.
SHOWN = (
    "Lightning Bolt",
    "Fireball",
    "Disintegrate",
    "Power Sink",
    "Shatter",
    "Force of Will",
    "Swan Song",
    "Sol Ring",
)
OTHER_ARTWORK = {("magic_a/alpha_deck.jpg", "Sol Ring")}

Names = Mapping[str, Sequence[str | None]]


def known_cards(photo: str, names: Sequence[str | None]) -> Counter[str]:
    """The cards of a photo that the gallery has, by name."""
    return Counter(name for name in names if name in SHOWN and (photo, name) not in OTHER_ARTWORK)


def counted(photo: str, names: Sequence[str | None], result: ScanResult) -> Counter[str]:
    """Known cards, how many of them were named and accepted, and other names that were."""
    figures: Counter[str] = Counter()
    there = known_cards(photo, names)
    figures["known"] = there.total()
    for card in sorted(result.cards, key=lambda one: one.status is not Status.ACCEPTED):
        if card.card is None:
            continue
        kind = "right" if there[card.card.name] > 0 else "wrong"
        there[card.card.name] -= 1
        figures[kind] += 1
        figures[f"{kind}, accepted"] += card.status is Status.ACCEPTED
    return figures


async def correct(
    runtime: Runtime, photo: str, names: Sequence[str | None], result: ScanResult
) -> list[UUID]:
    """Says of every name that was answered whether it is right; the corrections' ids."""
    there, sent = known_cards(photo, names), []
    for card in result.cards:
        if card.card is None:
            continue
        is_right = there[card.card.name] > 0
        there[card.card.name] -= 1
        stored, _ = await runtime.corrections.submit(
            NewCorrection(
                Verdict.CARD if is_right else Verdict.NOT_IN_GALLERY,
                detection_id=card.detection_id,
                card_id=card.card.card_id if is_right else None,
                key_id="collector",
            )
        )
        sent.append(stored.correction_id)
    return sent


async def answer(runtime: Runtime, folder: Path, names: Names, *, store: bool) -> dict[str, ScanResult]:
    """Every photo's answer."""
    answers = {}
    for photo in track(names, "photos", transient=True):
        data = (folder / photo).read_bytes()
        answers[photo], _ = await runtime.identify.identify(data, IdentifyOptions(), store=store)
    return answers


async def measure(folder: Path, manifests: Sequence[Path]) -> dict[str, Counter[str]]:
    """Figures of all photos, each answered before and after what was learnt from the other half."""
    said = {photo: names for photo, names in read_names(folder).items() if names is not None}
    with tempfile.TemporaryDirectory() as scratch:
        # What is compared must not depend on how busy the machine is.
        settings = benchmark_settings(Path(scratch), learning=False, verification_budget_ms=10_000)
        async with open_runtime(settings) as runtime:
            for manifest in manifests:
                await import_manifest(runtime, manifest, manifest.parent)
            first = await answer(runtime, folder, said, store=True)
            before = _summed(said, first)
            after: Counter[str] = Counter()
            for half in (list(said)[0::2], list(said)[1::2]):
                after.update(await _learnt_from(runtime, folder, said, half, first))
    return {"before": before, "after": after}


async def _learnt_from(
    runtime: Runtime, folder: Path, said: Names, half: Sequence[str], first: Mapping[str, ScanResult]
) -> Counter[str]:
    """What the other half's photos are answered after this half was learnt from; then it is forgotten."""
    sent = [one for photo in half for one in await correct(runtime, photo, said[photo], first[photo])]
    report = await runtime.learning.run_once()
    held_back = {photo: names for photo, names in said.items() if photo not in half}
    figures = _summed(held_back, await answer(runtime, folder, held_back, store=False))
    figures.update({f"corrections {status}": count for status, count in report.standing.items()})
    for correction_id in sent:
        await runtime.scans.undo_correction(correction_id)
    await runtime.learning.judge()
    return figures


def _summed(said: Names, answers: Mapping[str, ScanResult]) -> Counter[str]:
    figures: Counter[str] = Counter()
    for photo, names in said.items():
        figures.update(counted(photo, names, answers[photo]))
    return figures


def main() -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--galleries", type=Path, required=True)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.photos, sorted(arguments.galleries.glob("*.csv"))))
    rows = sorted({name for counts in figures.values() for name in counts})
    table = Table("", *figures)
    for row in rows:
        table.add_row(row, *(str(counts[row]) for counts in figures.values()))
    table_console().print(table)
    write_result("learning_real_photos", {name: dict(counts) for name, counts in figures.items()})


if __name__ == "__main__":
    main()
