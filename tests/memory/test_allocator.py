"""What glibc really does, seen from outside: each check runs in a process of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mallopt and /proc are Linux's")

MIB = 1024 * 1024

SCANS = """
import sys, threading
from app.inference.allocator import limit_arenas_and_thresholds
from app.inference.process_memory import read_process_memory
if sys.argv[1] == "limited":
    assert limit_arenas_and_thresholds()
page = bytearray(30_000_000)
del page  # from now on glibc's own threshold sends blocks of this size to the heap
before = read_process_memory().anonymous_bytes
results = []
def scan():
    crops = []
    for _ in range(40):
        crop = bytearray(600_000)
        crop[::4096] = b"x" * len(crop[::4096])
        crops.append(crop)
        results.append(bytearray(2_000))  # lives on, above the crop in the heap
threads = [threading.Thread(target=scan) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(read_process_memory().anonymous_bytes - before)
"""

RELEASE = """
from app.inference.allocator import trim_heap
from app.inference.process_memory import read_process_memory
blocks = [bytearray(50_000) for _ in range(4000)]
pin = bytearray(50_000)
used = read_process_memory().anonymous_bytes
del blocks
kept = read_process_memory().anonymous_bytes
trim_heap()
print(used, kept, read_process_memory().anonymous_bytes)
"""


def run(script: str, *arguments: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return [int(number) for number in done.stdout.split()]


def test_fixed_thresholds_leave_nothing_of_a_scans_pictures_behind() -> None:
    (default_bytes,) = run(SCANS, "default")
    (limited_bytes,) = run(SCANS, "limited")
    assert default_bytes > 20 * MIB, "glibc no longer keeps them: the remedy may go"
    assert limited_bytes < 4 * MIB


def test_trimming_gives_freed_memory_back() -> None:
    used_bytes, kept_bytes, after_bytes = run(RELEASE)
    assert used_bytes - kept_bytes < 4 * MIB
    assert used_bytes - after_bytes > 150 * MIB
