"""Opens a gallery for each group of variants that can share one, and measures them on the same photos."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from app.inference.catalogue import resolve_encoder
from app.inference.manifest import MANIFEST_NAME
from app.main import open_runtime
from app.settings import Settings
from benchmarks.galleries import benchmark_settings
from benchmarks.printings.collection import CardCollection
from benchmarks.printings.grouping import judge_groups
from benchmarks.printings.measuring import Tally, measure
from benchmarks.printings.photos import Plan
from benchmarks.printings.pipeline import Variant
from benchmarks.simulator.levels import Level


async def run(
    collection: CardCollection,
    plan: Plan,
    variants: Mapping[str, Variant],
    folder: Path,
    jobs: int,
    progress: Callable[[Level, int], None] = lambda _level, _photos: None,
) -> dict[str, Tally]:
    """Measures every variant.

    Args:
        collection: Whom to photograph.
        plan: How much.
        variants: What to measure, by name.
        folder: Keeps the galleries' databases; what is there already is not embedded again.
        jobs: Processes that take photos.
        progress: Told the level and how many photos have just been answered, once for each gallery.

    Returns:
        What each variant gave, in the order of ``variants``.
    """
    tallies: dict[str, Tally] = {}
    for exponent in dict.fromkeys(variant.whitening_exponent for variant in variants.values()):
        sharing = {
            name: variant.build
            for name, variant in variants.items()
            if variant.whitening_exponent == exponent
        }
        async with open_runtime(settings_for(folder, exponent)) as runtime:
            await collection.fill(runtime)
            groups = await judge_groups(runtime.gallery, collection.known)
            for name, tally in (await measure(runtime, collection, plan, sharing, jobs, progress)).items():
                tallies[name] = replace(tally, groups=groups)
    return {name: tallies[name] for name in variants}


def settings_for(folder: Path, whitening_exponent: float | None) -> Settings:
    """Settings of a service whose galleries get a space of this exponent, as large as they must be for one.

    Which space a gallery gets is the encoder's manifest's to say, so that one is copied and changed.
    """
    if whitening_exponent is None:
        return benchmark_settings(folder)
    own = folder / f"whitened_{whitening_exponent:g}"
    settings = benchmark_settings(own, models_dir=own / "models")
    source = resolve_encoder(benchmark_settings(own).models_dir, settings.encoder)
    copy = settings.models_dir / source.name
    shutil.copytree(source, copy, dirs_exist_ok=True)
    manifest = copy / MANIFEST_NAME
    said = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**said, "whitening_exponent": whitening_exponent}))
    return settings
