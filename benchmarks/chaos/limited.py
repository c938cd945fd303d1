"""Pages of twelve megapixels while the kernel holds the service and its database under one hard limit."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.as_if import pretends
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import GALLERY_CARDS, MORE_CARDS, Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import Served
from benchmarks.page_load import CARDS, Pages, fill_gallery
from benchmarks.random_clip import QUANTISED, quantised_models
from benchmarks.results import quantiles
from benchmarks.served_encoder import ServedEncoder

LIMIT_BYTES, LARGE_LIMIT_BYTES = 1_000_000_000, 1_500_000_000
#: The product's own, where the suite has less.
_LARGE_TIMEOUT_S = 30.0
_ROOT = Path("/sys/fs/cgroup")
#: Without the instruction a page takes tens of seconds in int8, and then memory alone is looked at.
_PRETENDING_TIMEOUT_S = 120.0


class Group:
    """A control group below the one that this process is in, so that no outer limit is left.

    Args:
        limit_bytes: Of anonymous memory and files' pages together.

    Raises:
        RuntimeError: groups cannot be made here, so nothing can be shown.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.is_v2 = not (_ROOT / "memory").is_dir()
        parent = self._own()
        self.folder = parent / f"binderlens-chaos-{os.getpid()}"
        try:
            self.folder.mkdir()
            if self.is_v2:
                (self.folder / "memory.max").write_text(str(limit_bytes))
            else:
                (self.folder / "memory.limit_in_bytes").write_text(str(limit_bytes))
        except OSError as error:
            raise RuntimeError(f"no control group can be made below {parent}: {error}") from error

    def _own(self) -> Path:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if self.is_v2 and not controllers:
                return _ROOT / path.strip("/")
            if not self.is_v2 and "memory" in controllers.split(","):
                return _ROOT / "memory" / path.strip("/")
        raise RuntimeError("this process is in no control group with memory")

    def peak_bytes(self) -> int:
        """The most that was charged to it, files' pages included."""
        name = "memory.peak" if self.is_v2 else "memory.max_usage_in_bytes"
        return int((self.folder / name).read_text())

    def kills(self) -> int:
        """How many processes the kernel has killed in it."""
        name = "memory.events" if self.is_v2 else "memory.oom_control"
        lines = (line.split() for line in (self.folder / name).read_text().splitlines())
        return next(int(line[1]) for line in lines if line[0] == "oom_kill")

    def take_in(self, process_id: int) -> None:
        """Moves a process, and all that it will start."""
        (self.folder / "cgroup.procs").write_text(str(process_id))

    def remove(self) -> None:
        """Takes it away once it is empty."""
        ends = time.monotonic() + 10.0
        while (self.folder / "cgroup.procs").read_text().strip() and time.monotonic() < ends:
            time.sleep(0.1)
        self.folder.rmdir()


@contextmanager
def _group(limit_bytes: int) -> Iterator[Group]:
    group = Group(limit_bytes)
    try:
        yield group
    finally:
        group.remove()


def pages(ground: Ground, dose: Dose) -> Outcome:
    """With the compact encoder, as it comes."""
    drawn = Pages(12, GALLERY_CARDS + MORE_CARDS)
    return _identify(Served(ground.copy("limited")), LIMIT_BYTES, dose, drawn)


def large_encoder_pages(ground: Ground, dose: Dose) -> Outcome:
    """With ViT-L-14 in int8: of random weights, which memory does not depend on.

    A processor without the instruction is made to try by ``benchmarks.as_if``, and the results say so.
    """
    encoder = ServedEncoder(QUANTISED, quantised_models(), "int8")
    work = ground.work / "limited-large"
    work.mkdir()
    asyncio.run(fill_gallery(work, GALLERY_CARDS, encoder))
    timeout_s = _PRETENDING_TIMEOUT_S if pretends() else _LARGE_TIMEOUT_S
    deadline = {"REQUEST_TIMEOUT_MS": str(round(timeout_s * 1000))}
    served = Served(work / "data", {**encoder.environment, **deadline})
    served.client.timeout = httpx.Timeout(timeout_s + 5.0)
    outcome = _identify(served, LARGE_LIMIT_BYTES, dose, Pages(12, GALLERY_CARDS))
    outcome.measured(request_timeout_s=timeout_s)
    computes = str(outcome.figures["encoder"])
    outcome.promise("ViT-L-14 computes in int8", f"{QUANTISED} int8" in computes, computes)
    return outcome


def _identify(served: Served, limit_bytes: int, dose: Dose, drawn: Pages) -> Outcome:
    """Pages of nine cards, one after the other, for as long as asked."""
    outcome = Outcome()
    statuses: Counter[int] = Counter()
    pages_ms: list[float] = []
    fewer = 0
    with _group(limit_bytes) as group:
        served.start()
        # Before it has imported anything, let alone started its database.
        group.take_in(served.process.pid)
        try:
            served.wait_until_ready()
            limit = served.client.get("/memory").json()["limit_bytes"]
            checks = {one["name"]: one["detail"] for one in served.client.get("/ready").json()["checks"]}
            ends = time.monotonic() + dose.seconds
            while time.monotonic() < ends:
                # Another one each time: what is remembered would spare the encoder its work.
                page = drawn.another()
                started = time.perf_counter()
                reply = served.client.post("/identify", files={"image": ("p.jpg", page)})
                pages_ms.append(1000 * (time.perf_counter() - started))
                statuses[reply.status_code] += 1
                if reply.status_code == httpx.codes.OK:
                    fewer += len(reply.json()["cards"]) < CARDS
            alive = served.process.poll() is None
            memory = served.client.get("/memory").json()
        finally:
            served.stop()
        peak_mb, kills = group.peak_bytes() / 1e6, group.kills()
    outcome.measured(
        encoder=checks["encoder"],
        answers=dict(statuses),
        page_ms={name: round(value) for name, value in quantiles(pages_ms).items()},
        group_version=2 if group.is_v2 else 1,
        group_peak_mb=round(peak_mb),
        peak_resident_mb=round(memory["peak_resident_bytes"] / 1e6),
        anonymous_mb=round(memory["anonymous_bytes"] / 1e6),
    )
    outcome.promise("the service sees the kernel's limit", limit == limit_bytes // 4096 * 4096, limit)
    outcome.promise("nothing is killed", alive and kills == 0, f"{kills} killed")
    only_answers = set(statuses) == {200}
    outcome.promise("every page is answered", only_answers, dict(statuses))
    outcome.promise("all nine cards are found", fewer == 0, f"{fewer} pages with fewer")
    return outcome
