"""Broken pictures through decode and through the whole service."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import cv2
import httpx
import numpy as np

from app.vision.decode import encode_jpeg
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.mutations import mutated, originals
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import serving
from benchmarks.chaos.visitors import in_contract

_SEED = 4711
#: The slowest picture may not take as long as a whole request may.
_SLOWEST_S = 10.0
_SLOPE_MB_PER_1000 = 2.0
_SERVED_SLOPE_MB_PER_1000 = 1.0
#: Whole pictures come first: they fill what is remembered of 64 pictures, and the card finder's kernels for
#: as many sizes as are kept. A broken picture now and then has a size of its own.
_WHOLE_PICTURES, _LEAST_SIDE_PX, _MOST_SIDE_PX, _JPEG_QUALITY = 300, 100, 1000, 88
#: The 1,000 crops whose vectors are remembered are not filled by so few: the first broken pictures go on.
_WARM_UP_SHARE = 0.4


def decoded(ground: Ground, dose: Dose) -> Outcome:
    """Every one is a picture or an error of ours."""
    outcome = Outcome()
    folder = ground.work / "originals"
    folder.mkdir()
    for name, data in originals(ground.scenes[0]).items():
        (folder / name.replace(" ", "-")).write_bytes(data)
    arguments = [str(folder), str(dose.times), str(_SEED), str(dose.seconds)]
    command = [sys.executable, "-m", "benchmarks.chaos.decoding", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    outcome.promise("no reader crashes", done.returncode == 0, f"exit status {done.returncode}")
    if done.returncode != 0:
        outcome.measured(said=done.stderr[-500:])
        return outcome
    figures = json.loads(done.stdout.splitlines()[-1])
    outcome.measured(**figures)
    outcome.promise(
        f"{dose.times} pictures within the time", figures["pictures"] == dose.times, figures["pictures"]
    )
    outcome.promise("a picture or an error of ours", not figures["strange"], figures["strange"] or "each")
    slowest = figures["slowest_s"]
    outcome.promise(f"none takes {_SLOWEST_S:.0f} s", slowest < _SLOWEST_S, f"{slowest:.2f} s at most")
    slope = figures["slope_mb_per_1000"]
    kept = slope < _SLOPE_MB_PER_1000
    outcome.promise(f"memory grows less than {_SLOPE_MB_PER_1000} MB in 1,000", kept, f"{slope:.2f} MB")
    return outcome


def of_all_sizes(ground: Ground) -> Iterator[bytes]:
    """Whole pictures as JPEGs of widths and heights by chance."""
    rng = np.random.default_rng(_SEED + 2)
    for index in range(_WHOLE_PICTURES):
        size_px = rng.integers(_LEAST_SIDE_PX, _MOST_SIDE_PX, 2).tolist()
        scene = ground.scenes[index % len(ground.scenes)]
        resized = cv2.resize(scene, size_px, interpolation=cv2.INTER_AREA)
        yield encode_jpeg(np.asarray(resized, np.uint8), _JPEG_QUALITY)


def served(ground: Ground, dose: Dose) -> Outcome:
    """None is a 500, and the service keeps its memory."""
    outcome = Outcome()
    came: Counter[int] = Counter()
    outside: list[str] = []
    anonymous_mb: list[float] = []
    with serving(ground.copy("pictures"), {"MAX_IMAGE_MEGAPIXELS": "12"}) as service:
        whole = [
            service.client.post("/identify", files={"image": ("p.jpg", data)})
            for data in of_all_sizes(ground)
        ]
        refused = [reply.text[:200] for reply in whole if reply.status_code != httpx.codes.OK]
        ends = time.monotonic() + dose.seconds
        for data in mutated(list(originals(ground.scenes[1]).values()), dose.times, _SEED + 1):
            reply = service.client.post("/identify", files={"image": ("p.jpg", data)})
            came[reply.status_code] += 1
            if not in_contract(reply):
                outside.append(f"{reply.status_code} {reply.text[:200]}")
            anonymous_mb.append(service.anonymous_mb())
            if time.monotonic() > ends:
                break
        faults = service.faults_in_log()
        alive = service.client.get("/ready").status_code == httpx.codes.OK
    kept = anonymous_mb[int(len(anonymous_mb) * _WARM_UP_SHARE) :]
    slope = 1000 * float(np.polyfit(np.arange(len(kept)), kept, 1)[0])
    outcome.measured(answers=dict(came), anonymous_mb=[kept[0], kept[-1]], slope_mb_per_1000=round(slope, 2))
    outcome.promise(f"{dose.times} pictures within the time", came.total() == dose.times, came.total())
    outcome.promise("every whole picture is answered", not refused, refused[:5] or len(whole))
    outcome.promise("every answer is of the contract", not outside, outside[:5] or "all are")
    outcome.promise("ready afterwards, no fault of ours in the log", alive and not faults, faults[:5] or "so")
    steady = slope < _SERVED_SLOPE_MB_PER_1000
    outcome.promise(
        f"memory grows less than {_SERVED_SLOPE_MB_PER_1000} MB in 1,000", steady, f"{slope:.2f} MB"
    )
    return outcome
