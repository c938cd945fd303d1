"""An encoder in memory: cards in, unit vectors out, in the calling thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.types import EncoderInfo, RgbImage, Vectors
from app.inference.manifest import Preprocessing
from app.inference.preprocessing import preprocess

#: Every batch has one of these sizes, so that the shapes torch prepares kernels for stay few. A binder page
#: of nine is three batches: on two cores ViT-L-14 takes a fifth less in bf16 than for nine at once, a twelfth
#: less in fp32, no more in int8, and its activations are those of three cards (experiment 60).
BATCH_SIZES = (3, 2, 1)

#: Below this length a vector has no direction worth the name.
_SMALLEST_NORM = 1e-12


def next_batch_size(remaining: int, largest: int) -> int:
    """The largest of ``BATCH_SIZES`` that fits, so that no batch is padded.

    Args:
        remaining: Cards still to embed, at least 1.
        largest: Most cards in one batch, at least 1.
    """
    return next(size for size in BATCH_SIZES if size <= max(1, min(remaining, largest)))


class Tower(Protocol):
    """An image tower with its weights, whatever computes it."""

    def __call__(self, batch: NDArray[np.float32]) -> Vectors:
        """Maps float32 (n, height, width, 3) to float32 (n, dimension) that owns its memory."""
        ...


class LoadedEncoder:
    """An image tower with its preprocessing; one thread may use it (see ``runner``)."""

    def __init__(self, tower: Tower, preprocessing: Preprocessing, info: EncoderInfo) -> None:
        self._tower = tower
        self._preprocessing = preprocessing
        self._info = info

    @property
    def info(self) -> EncoderInfo:
        """Which encoder this is."""
        return self._info

    def encode_batch(self, crops: Sequence[RgbImage]) -> Vectors:
        """Embeds one batch.

        Args:
            crops: RGB uint8 (height, width, 3), each filled by one card, upright.

        Returns:
            float32 (len(crops), dimension), unit length, owning its memory.
        """
        return self.encode_pixels(preprocess(crops, self._preprocessing))

    def encode_pixels(self, batch: NDArray[np.float32]) -> Vectors:
        """Embeds what ``preprocess`` returned: float32 (n, height_px, width_px, 3)."""
        vectors = self._tower(batch)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, _SMALLEST_NORM), dtype=np.float32)

    def encode_now(self, crops: Sequence[RgbImage], batch_size: int = BATCH_SIZES[0]) -> Vectors:
        """Embeds any number of cards in batches of fixed sizes.

        Args:
            crops: RGB uint8 (height, width, 3), each filled by one card, upright.
            batch_size: Most cards in one batch.

        Returns:
            float32 (len(crops), dimension), unit length, owning its memory.

        Raises:
            InvalidParameter: a crop is no RGB uint8 picture.
        """
        vectors = np.empty((len(crops), self._info.dimension), dtype=np.float32)
        done = 0
        while done < len(crops):
            size = next_batch_size(len(crops) - done, batch_size)
            vectors[done : done + size] = self.encode_batch(crops[done : done + size])
            done += size
        return vectors
