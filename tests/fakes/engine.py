"""An encoder and a memory guard without weights or cgroups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from app.domain.errors import MemoryTight
from app.domain.types import EncoderInfo, MemorySnapshot, RgbImage, Vectors

DIMENSION = 96
ENCODER_INFO = EncoderInfo(name="tiny", precision="fp32", fingerprint="f" * 64, dimension=DIMENSION)


class TinyEncoder:
    """Brightness in 12 rows and 8 columns, standardised: enough to tell a few test cards apart."""

    def __init__(self) -> None:
        self.info = ENCODER_INFO

    async def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        if not crops:
            return np.zeros((0, DIMENSION), np.float32)
        return np.stack([self._vector(crop) for crop in crops])

    @staticmethod
    def _vector(crop: RgbImage) -> Vectors:
        rows = np.array_split(crop.mean(axis=2), 12, axis=0)
        cells = np.array([part.mean() for row in rows for part in np.array_split(row, 8, axis=1)])
        centred = cells - cells.mean()
        vector: Vectors = (centred / max(float(np.linalg.norm(centred)), 1e-6)).astype(np.float32)
        return vector


class FakeGuard:
    """A memory guard whose view of the process is set by the test."""

    def __init__(self) -> None:
        self.tight = False
        self.refusals = 0
        self.room_bytes: int | None = None
        self.reserved_bytes: list[int] = []

    def reserve(self, need_bytes: int) -> Callable[[], None]:
        if self.room_bytes is not None and sum(self.reserved_bytes) + need_bytes > self.room_bytes:
            self.refusals += 1
            raise MemoryTight("this picture needs 900 MB")
        self.reserved_bytes.append(need_bytes)
        return lambda: self.reserved_bytes.remove(need_bytes)

    def has_room(self, pending: int = 0) -> bool:
        return not self.tight

    def admit(self, pending: int = 0) -> None:
        if not self.has_room(pending):
            self.refusals += 1
            raise MemoryTight("950 MB of anonymous memory of 1000 MB allowed are in use")

    def snapshot(self) -> MemorySnapshot:
        return MemorySnapshot(
            rss_bytes=600_000_000,
            anonymous_bytes=400_000_000,
            file_bytes=200_000_000,
            peak_rss_bytes=650_000_000,
            limit_bytes=1_000_000_000,
            batches=3,
            releases=2,
            refusals=self.refusals,
            batch_size=8,
        )
