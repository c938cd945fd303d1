"""The space of a gallery: its vectors centred and partly whitened by how its own cards lie.

A few directions hold most of what an encoder's vectors differ by, and which ones depends on the cards. Each
principal direction of the gallery is scaled by its variance to a small negative power ("partial whitening":
0 leaves everything as it is, 0.5 evens all out). What that gains is measured in docs/experiments.md,
experiments 13 and 14.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.types import Vectors

#: The covariance is shrunk towards even variances by the weight of so many cards: what a gallery of 819 cards
#: lost without that, it no longer loses with it (docs/experiments.md, experiment 14).
PSEUDO_CARDS = 200.0
#: Directions with less than this share of the greatest variance are amplified no further.
LEAST_VARIANCE = 1e-4
#: Cards from which on a space is fitted: fewer gain nothing from one (docs/experiments.md, experiment 14).
LEAST_CARDS = 1000
#: How many times as many cards as at the last fit, or how many times fewer, call for another.
REFIT_GROWTH = 1.5

#: Below this length a vector has no direction worth the name.
_SMALLEST_NORM = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """An affine map of unit vectors.

    Attributes:
        mean: What is taken off, float32 (dimension,).
        map: What the rest is multiplied by, float32 (dimension, dimension), symmetric.
        cards: How many cards it was fitted on.
    """

    mean: NDArray[np.float32]
    map: NDArray[np.float32]
    cards: int

    def apply(self, vectors: Vectors) -> Vectors:
        """Moves an encoder's vectors into the space.

        In double precision, so that a vector comes out the same whatever others it is given with.

        Args:
            vectors: float32 (n, dimension).

        Returns:
            float32 (n, dimension), unit length; zero where a vector is the mean itself.
        """
        moved = (vectors.astype(np.float64) - self.mean) @ self.map.astype(np.float64)
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        return np.asarray(moved / np.maximum(lengths, _SMALLEST_NORM), dtype=np.float32)

    def to_bytes(self) -> bytes:
        """Mean, then map by rows, as little-endian float32."""
        return self.mean.astype("<f4").tobytes() + self.map.astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, cards: int) -> Space:
        """Reads what ``to_bytes`` wrote.

        Raises:
            ValueError: the length is none that a mean and a map have together.
        """
        if len(data) % 4:
            raise ValueError(f"{len(data)} bytes are no space")
        values = np.frombuffer(data, dtype="<f4").astype(np.float32)
        dimension = (math.isqrt(1 + 4 * values.size) - 1) // 2
        if not dimension or dimension * (dimension + 1) != values.size:
            raise ValueError(f"{len(data)} bytes are no space")
        return cls(values[:dimension], values[dimension:].reshape(dimension, dimension), cards)

    def fingerprint(self, encoder_fingerprint: str) -> str:
        """Names what templates in this space can be compared with.

        Args:
            encoder_fingerprint: Of the encoder whose vectors are moved.

        Returns:
            32 hex digits.
        """
        return hashlib.sha256(encoder_fingerprint.encode() + self.to_bytes()).hexdigest()[:32]


class Moments:
    """Sums over vectors from which a space is fitted, however many they are.

    Args:
        dimension: Of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        self.cards = 0
        self._sum = np.zeros(dimension)
        self._products = np.zeros((dimension, dimension))

    def add(self, vectors: Vectors) -> None:
        """Counts vectors in: float32 (n, dimension), unit length, one a card."""
        doubles = vectors.astype(np.float64)
        self.cards += len(doubles)
        self._sum += doubles.sum(axis=0)
        self._products += doubles.T @ doubles

    def mean_and_covariance(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean (d,) and covariance (d, d), the latter shrunk towards even variances by ``PSEUDO_CARDS``.

        Raises:
            ValueError: fewer than two vectors were added.
        """
        if self.cards < 2:
            raise ValueError("a space needs at least two cards")
        mean = self._sum / self.cards
        covariance = self._products / self.cards - np.outer(mean, mean)
        even = np.eye(len(mean)) * (np.trace(covariance) / len(mean))
        return mean, (self.cards * covariance + PSEUDO_CARDS * even) / (self.cards + PSEUDO_CARDS)


def fit_space(moments: Moments, exponent: float) -> Space:
    """Fits a space; the same vectors in the same order give the same one.

    Args:
        moments: Of the encoder's vectors: of each card its official picture as it is.
        exponent: Each principal direction is scaled by its variance to minus this power; from 0 to 0.5.

    Raises:
        ValueError: fewer than two cards, or an exponent out of its range.
    """
    if not 0 <= exponent <= 0.5:
        raise ValueError(f"the exponent of a space lies between 0 and 0.5, not at {exponent}")
    mean, covariance = moments.mean_and_covariance()
    variances, directions = np.linalg.eigh(covariance)
    # Vectors that are all the same have no variance at all; then every scale is as good as another.
    floor = max(LEAST_VARIANCE * float(variances.max()), np.finfo(np.float64).tiny)
    scales = np.maximum(variances, floor) ** -exponent
    whitening = (directions * (scales / scales.mean())) @ directions.T
    return Space(mean.astype(np.float32), whitening.astype(np.float32), moments.cards)


@dataclass(frozen=True, slots=True)
class SpacePolicy:
    """When a gallery has a space, and when that is fitted anew.

    Attributes:
        exponent: The encoder's; 0 wants no space.
        least_cards: Galleries of fewer cards get none.
    """

    exponent: float
    least_cards: int = LEAST_CARDS

    def wants(self, cards: int) -> bool:
        """Whether a gallery of so many cards is to have a space."""
        return self.exponent > 0 and cards >= self.least_cards

    def is_due(self, cards: int, fitted_on: int | None) -> bool:
        """Whether a gallery is to be moved into another space, or out of its space.

        Args:
            cards: Cards it has now.
            fitted_on: Cards its space was fitted on; None where it has none.
        """
        if fitted_on is None:
            return self.wants(cards)
        return self.exponent == 0 or not fitted_on / REFIT_GROWTH < cards < fitted_on * REFIT_GROWTH
