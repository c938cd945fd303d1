"""The memory that a picture is said to need is what decoding and detecting it takes."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

MEGAPIXELS = 16
WIDTH_PX, HEIGHT_PX = 4000, 4000

#: In a process of its own, whose heap nobody has grown before.
_MEASURE = """
import json, sys, threading, time
from app.inference.allocator import limit_arenas_and_thresholds
limit_arenas_and_thresholds()
import numpy as np
from app.inference.process_memory import read_process_memory
from app.vision.decode import decode_image, encode_jpeg
from app.vision.detect import detect_cards
data = sys.stdin.buffer.read()
detect_cards(np.zeros((400, 300, 3), np.uint8))
reserved = []
used = lambda: read_process_memory().anonymous_bytes
before = used()
peak, done = [before], threading.Event()
def watch():
    while not done.is_set():
        peak[0] = max(peak[0], used())
        time.sleep(0.001)
watching = threading.Thread(target=watch)
watching.start()
image = decode_image(data, max_upload_bytes=10**9, max_pixels=10**9, reserve=reserved.append)
detect_cards(image)
encode_jpeg(image, 88)
done.set()
watching.join()
print(json.dumps([reserved, peak[0] - before]))
"""


def picture(mode: str, picture_format: str, options: dict[str, object]) -> bytes:
    """Flat patches: quick to write, and few cards are found in it."""
    patches = np.random.default_rng(1).integers(90, 110, (10, 10, 3), dtype=np.uint8)
    image = Image.fromarray(patches).resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BILINEAR).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned: that costs one more copy
    stream = io.BytesIO()
    image.save(stream, picture_format, exif=exif, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("mode", "picture_format", "options"),
    [
        ("RGB", "JPEG", {}),
        ("RGB", "JPEG", {"progressive": True, "subsampling": 0}),
        ("CMYK", "JPEG", {"progressive": True}),
        ("RGBA", "PNG", {"compress_level": 1}),
        ("RGB", "WEBP", {"method": 0}),
        ("RGB", "TIFF", {"compression": "tiff_deflate", "tiffinfo": {278: HEIGHT_PX}}),
    ],
    ids=["jpeg", "progressive", "cmyk", "png", "webp", "tiff"],
)
def test_a_scan_takes_what_was_reserved_for_it(
    mode: str, picture_format: str, options: dict[str, object]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        input=picture(mode, picture_format, options),
        capture_output=True,
        check=True,
    )
    reserved, taken_bytes = json.loads(done.stdout)
    assert len(reserved) == 1
    slack_bytes = 16_000_000  # the detector's planes of fixed size, and pages of the heap
    assert taken_bytes < reserved[0] + slack_bytes
    assert taken_bytes > reserved[0] / 2
