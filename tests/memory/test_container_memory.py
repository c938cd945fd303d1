"""What a picture's reader takes when it opens a file of very many parts has been reserved, or is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.unit.vision.container_bombs import (
    heic_with_metadata,
    heic_with_profile,
    jpeg_with,
    png_with,
    segment,
    tiff_of_rows,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

#: In a process of its own: most of this memory is C's. The peak is that of the reading alone.
_MEASURE = """
import json, sys
from pathlib import Path
from app.inference.allocator import limit_arenas_and_thresholds
limit_arenas_and_thresholds()
from app.domain.errors import BinderlensError
from app.vision.decode import decode_image
import pi_heif
def line(name):
    (found,) = [row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith(name)]
    return int(found.split()[1]) * 1024
data, reserved = sys.stdin.buffer.read(), []
Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
before = line("VmRSS")
try:
    decode_image(data, max_upload_bytes=10**9, max_pixels=10**6, reserve=reserved.append)
except BinderlensError:
    pass
print(json.dumps([sum(reserved), line("VmHWM") - before]))
"""


@pytest.mark.parametrize(
    "build",
    [
        lambda: tiff_of_rows(65_500, planes=3),
        lambda: jpeg_with(segment(0xE0) * 500_000),
        lambda: png_with(b"prVt", 500_000),
        lambda: heic_with_metadata(40, 2_000_000),
        lambda: heic_with_metadata(1, 2_000_000, extents=31),
        lambda: heic_with_profile(40, 2_000_000),
        lambda: heic_with_profile(1, 10_000_000),
    ],
    ids=["strips", "segments", "chunks", "metadata", "extents", "profiles", "one profile"],
)
def test_opening_a_picture_of_very_many_parts_takes_no_more_than_was_reserved(
    build: Callable[[], bytes],
) -> None:
    done = subprocess.run([sys.executable, "-c", _MEASURE], input=build(), capture_output=True, check=True)
    reserved_bytes, taken_bytes = json.loads(done.stdout)
    assert taken_bytes < reserved_bytes + 10_000_000
