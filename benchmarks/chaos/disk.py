"""The disk under DATA_DIR runs full, again and again, and gets room again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import Served, serving
from benchmarks.chaos.visitors import hold_against, visitors

#: Beyond what the database's files take at first.
_ROOM_MB = 60
_FULL_S = 6.0
_FREE_S = 4.0


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[Path]:
    """A file system of its own in memory, of that size; needs the right to mount.

    Raises:
        RuntimeError: it cannot be mounted here, so nothing can be shown.
    """
    folder.mkdir()
    options = f"size={size_mb}m,mode=0755"
    mounting = ["mount", "-t", "tmpfs", "-o", options, "chaos", str(folder)]
    done = subprocess.run(mounting, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise RuntimeError(f"a small disk cannot be mounted here, and nothing shown: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607


def fill(folder: Path) -> Path:
    """Takes all the room that is left, to the last byte."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    if os.write(file.fileno(), b"\0" * size) < size:
                        break
            except OSError:
                continue
    return ballast


def full(ground: Ground, dose: Dose) -> Outcome:
    """Full for some seconds, then free, in turn, under load."""
    outcome = Outcome()
    size_mb = _ROOM_MB + sum(p.stat().st_size for p in (ground.work / "data").rglob("*") if p.is_file()) // (
        1 << 20
    )
    with small_disk(ground.work / "disk", size_mb) as disk:
        data_dir = ground.copy("disk")
        # The log of the service is a witness and must not fall silent.
        with serving(data_dir) as served:
            served.log_path = ground.work / "disk-service.log"
            served.stop_and_start_again()
            asyncio.run(_fill_again_and_again(served, ground, disk, dose, outcome))
    return outcome


async def _fill_again_and_again(
    served: Served, ground: Ground, disk: Path, dose: Dose, outcome: Outcome
) -> None:
    ends = time.monotonic() + dose.seconds
    filled = never_back = 0
    back_s: list[float] = []
    refused_when_full: list[int] = []
    async with visitors(served.url, 4, ground.pictures(48), ground.card_ids) as answers:
        while time.monotonic() < ends:
            await asyncio.sleep(_FREE_S)
            refused = answers.statuses["503"]
            ballast = fill(disk)
            filled += 1
            await asyncio.sleep(_FULL_S)
            refused_when_full.append(answers.statuses["503"] - refused)
            ballast.unlink()
            seconds = await asyncio.to_thread(served.seconds_to_ready)
            never_back += seconds is None
            back_s += [] if seconds is None else [seconds]
        await asyncio.sleep(2.0)
    await asyncio.to_thread(served.seconds_to_ready)
    witness = served.log_path.read_text(errors="replace").count("No space left on device")
    outcome.measured(
        times_full=filled,
        refused_while_full=refused_when_full,
        ready_again_most_s=round(max(back_s, default=0.0), 2),
        statements_that_found_no_space=witness,
    )
    outcome.promise("ready again once there is room", never_back == 0, f"{never_back} times not")
    outcome.promise("statements found no space", witness > 0, witness)
    await asyncio.to_thread(hold_against, outcome, answers, served)
