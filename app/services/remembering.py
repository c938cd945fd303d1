"""Work that is not done twice: what pixels alone decide is remembered for pictures seen lately.

Where cards lie in a picture and what vectors their crops have depends on the bytes, the finder and the
encoder, which stay the same as long as the process lives: no change of gallery, corrections or constants can
make it wrong. Search, verification and answer are done anew each time, so every scan gets what the gallery
says now. Only hashes, corners and vectors are kept, no pixels.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from app.domain.ports import Encoder
from app.domain.types import EncoderInfo, RgbImage, Vectors

#: Pictures whose corners are kept, about 1 KB each.
PICTURES_KEPT = 64
#: Crops whose vectors are kept, at most 3 KB each: those of a hundred pages.
CROPS_KEPT = 1000

V = TypeVar("V")


class Remembered(Generic[V]):
    """Values by hash, those that were not asked for longest dropped first. Threads may share one.

    Args:
        capacity: How many values are kept.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[str, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> V | None:
        """The value, None where there is none."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: str, value: V) -> None:
        """Keeps a value, which nobody may change from now on."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._capacity:
                self._values.popitem(last=False)


class RememberedVectors:
    """Vectors by hash in one block of memory, those that were not asked for longest dropped first.

    Kept one by one they lay scattered among what every scan takes and gives back (experiment 59).

    Args:
        capacity: How many are kept.
        dimension: Of each.
    """

    def __init__(self, capacity: int, dimension: int) -> None:
        self._block = np.empty((capacity, dimension), np.float32)  # pages come as they are first written
        self._rows: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Vectors | None:
        """A copy, (dimension,); None where there is none."""
        with self._lock:
            if key not in self._rows:
                return None
            self._rows.move_to_end(key)
            kept: Vectors = self._block[self._rows[key]]
            return kept.copy()

    def put(self, key: str, vector: Vectors) -> None:
        """Keeps a copy.

        Raises:
            ValueError: the vector has another dimension.
        """
        if vector.shape != self._block.shape[1:]:
            raise ValueError(f"a vector of shape {vector.shape}, {self._block.shape[1:]} is kept")
        with self._lock:
            if key in self._rows or not len(self._block):
                return
            full = len(self._rows) == len(self._block)
            row = self._rows.popitem(last=False)[1] if full else len(self._rows)
            self._block[row] = vector
            self._rows[key] = row


class RememberingEncoder:
    """An encoder that embeds each crop once: those of a batch that are alike, and those seen lately.

    Implements ``app.domain.ports.Encoder``. Hashing nine crops takes about 3 ms.

    Args:
        encoder: What embeds crops that are new; loaded already.
        capacity: Vectors that are kept.
    """

    def __init__(self, encoder: Encoder, capacity: int = CROPS_KEPT) -> None:
        self._encoder = encoder
        self._vectors = RememberedVectors(capacity, encoder.info.dimension)

    @property
    def info(self) -> EncoderInfo:
        """Which encoder this is."""
        return self._encoder.info

    async def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        """Embeds whole cards of any size: see the port.

        Args:
            crops: RGB uint8 (height, width, 3), each filled by one card, upright.

        Returns:
            float32 (len(crops), dimension), unit length, owning its memory.

        Raises:
            Whatever the encoder raises; then nothing is remembered.
        """
        keys = await asyncio.to_thread(lambda: [_hash(crop) for crop in crops])
        found = {key: self._vectors.get(key) for key in keys}
        new = {key: crop for key, crop in zip(keys, crops, strict=True) if found[key] is None}
        embedded = await self._encoder.encode(list(new.values()))
        for key, vector in zip(new, embedded, strict=True):
            found[key] = vector
            self._vectors.put(key, vector)
        vectors = np.empty((len(crops), embedded.shape[1]), np.float32)
        for place, key in enumerate(keys):
            vectors[place] = found[key]
        return vectors


def _hash(crop: RgbImage) -> str:
    digest = hashlib.sha256(repr(crop.shape).encode())
    digest.update(np.ascontiguousarray(crop).data)
    return digest.hexdigest()
