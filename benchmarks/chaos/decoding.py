"""``python -m benchmarks.chaos.decoding FOLDER COUNT SEED SECONDS``: broken pictures through decode alone.

In a process of its own, for a reader that crashes takes its process along. Prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from app.domain.errors import BinderlensError
from app.inference.allocator import limit_arenas_and_thresholds, trim_heap
from app.inference.process_memory import read_process_memory
from app.vision.decode import decode_image
from benchmarks.chaos.mutations import mutated

MAX_UPLOAD_BYTES = 40_000_000
MAX_PIXELS = 12_000_000
_SAMPLE_EVERY = 100


def decode_all(wholes: list[bytes], count: int, seed: int, seconds: float) -> dict[str, object]:
    """Decodes so many, or as many as the time allows; what came of them, how long and how much memory."""
    came: Counter[str] = Counter()
    strange: list[str] = []
    slowest_s = 0.0
    anonymous_mb: list[float] = []
    ends = time.monotonic() + seconds
    for index, data in enumerate(mutated(wholes, count, seed)):
        started = time.perf_counter()
        try:
            decode_image(data, max_upload_bytes=MAX_UPLOAD_BYTES, max_pixels=MAX_PIXELS)
            came["decoded"] += 1
        except BinderlensError as error:
            came[type(error).__name__] += 1
        except BaseException as error:  # whatever it is, it would be a 500
            came["strange"] += 1
            strange.append(f"picture {index}: {error!r}"[:200])
        slowest_s = max(slowest_s, time.perf_counter() - started)
        if index % _SAMPLE_EVERY == 0:
            trim_heap()
            anonymous_mb.append(read_process_memory().anonymous_bytes / 1e6)
        if time.monotonic() > ends:
            break
    kept = anonymous_mb[len(anonymous_mb) // 4 :]
    slope = float(np.polyfit(np.arange(len(kept)) * _SAMPLE_EVERY, kept, 1)[0]) if len(kept) > 2 else 0.0
    return {
        "pictures": sum(came.values()),
        "came": dict(came),
        "strange": strange[:5],
        "slowest_s": slowest_s,
        "anonymous_mb": [kept[0], kept[-1]],
        "slope_mb_per_1000": 1000 * slope,
    }


def main() -> None:
    """Reads the whole pictures and prints what came of the broken ones."""
    folder, count, seed, seconds = sys.argv[1:]
    limit_arenas_and_thresholds()
    wholes = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    print(json.dumps(decode_all(wholes, int(count), int(seed), float(seconds))))


if __name__ == "__main__":
    main()
