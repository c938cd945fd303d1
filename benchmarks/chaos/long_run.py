"""Thousands of scans in a row: nothing is held on to."""

from __future__ import annotations

import time

import numpy as np

from app.services.remembering import CROPS_KEPT
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import serving

#: What is remembered is full after some hundreds of scans: 64 pictures, 1,000 crops.
_WARM_UP_SHARE = 0.5
_SLOPE_MB_PER_1000 = 1.5
#: Idle connections of pools and clients come and go.
_DESCRIPTORS_MORE = 4
#: The event loop's own threads come one by one, as they are first needed, up to the number of cores and four.
_THREADS_MORE = 4
#: More than are remembered, in turn: none is spared its work.
_PICTURES = CROPS_KEPT + 100


def scans_in_a_row(ground: Ground, dose: Dose) -> Outcome:
    """Anonymous memory by least squares over the second half; descriptors and threads at both ends."""
    outcome = Outcome()
    pictures = ground.pictures(_PICTURES, seed=5)
    anonymous_mb: list[float] = []
    refused = 0
    ends = time.monotonic() + dose.seconds
    with serving(ground.copy("long-run")) as service:
        before = service.descriptors_and_threads()
        for turn in range(dose.times):
            reply = service.client.post("/identify", files={"image": pictures[turn % _PICTURES]})
            refused += reply.status_code != 200
            anonymous_mb.append(service.anonymous_mb())
            if turn == dose.times // 4:
                before = service.descriptors_and_threads()
            if time.monotonic() > ends:
                break
        after = service.descriptors_and_threads()
    kept = anonymous_mb[int(len(anonymous_mb) * _WARM_UP_SHARE) :]
    slope = 1000 * float(np.polyfit(np.arange(len(kept)), kept, 1)[0])
    scans = len(anonymous_mb)
    outcome.measured(
        scans=scans,
        anonymous_mb=[round(anonymous_mb[0]), round(kept[0]), round(kept[-1])],
        slope_mb_per_1000=round(slope, 2),
        descriptors_and_threads=[before, after],
    )
    outcome.promise(f"{dose.times} scans within the time", scans == dose.times, scans)
    outcome.promise("every scan is answered", refused == 0, f"{refused} not")
    kept_flat = slope < _SLOPE_MB_PER_1000
    outcome.promise(f"memory grows less than {_SLOPE_MB_PER_1000} MB in 1,000", kept_flat, f"{slope:.2f} MB")
    outcome.promise(
        "no descriptors are left behind", after[0] <= before[0] + _DESCRIPTORS_MORE, (before[0], after[0])
    )
    outcome.promise(
        "no threads are left behind", after[1] <= before[1] + _THREADS_MORE, (before[1], after[1])
    )
    return outcome
