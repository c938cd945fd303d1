"""How often the right card comes first, or among the first few, by any way of describing pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.statistics import wilson_interval
from benchmarks.perceptual_hash import dhash, hamming_distances, phash

RgbImage = NDArray[np.uint8]
Descriptions = NDArray[np.generic]
Labels = NDArray[np.int64]

#: Among how many of the first the right card is looked for.
DEPTHS = (1, 5, 50)


@dataclass(frozen=True, slots=True)
class Method:
    """A way of finding cards.

    Attributes:
        name: As it is reported.
        describe: Pictures to descriptions, (n, anything).
        similarities: Descriptions of queries and of references to (m, n), larger is nearer.
    """

    name: str
    describe: Callable[[Sequence[RgbImage]], Descriptions]
    similarities: Callable[[Descriptions, Descriptions], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of ``queries`` had the right card among the first ``depth``, with the Wilson 95 % interval."""

    depth: int
    found: int
    queries: int

    @property
    def share(self) -> float:
        """Share found, 0 where nothing was asked."""
        return self.found / self.queries if self.queries else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson 95 % interval of the share."""
        return wilson_interval(self.found, self.queries)

    def as_json(self) -> Mapping[str, object]:
        """The fields for a JSON report; shares are in [0, 1]."""
        return {
            "depth": self.depth,
            "found": self.found,
            "queries": self.queries,
            "share": self.share,
            "wilson_95": list(self.interval),
        }


def phash_method(bits: int) -> Method:
    """Finds cards by pHash."""
    return Method(
        f"pHash {bits}", lambda pictures: np.stack([phash(one, bits) for one in pictures]), _hamming
    )


def dhash_method(bits: int) -> Method:
    """Finds cards by dHash."""
    return Method(
        f"dHash {bits}", lambda pictures: np.stack([dhash(one, bits) for one in pictures]), _hamming
    )


def vector_method(name: str, embed: Callable[[Sequence[RgbImage]], NDArray[np.float32]]) -> Method:
    """Finds cards by the cosine of unit vectors, float32 (n, dimension), that ``embed`` returns."""
    return Method(name, embed, _cosines)


def whitened(method: Method, exponent: float) -> Method:
    """The same vectors, centred and with their variances evened out as the gallery's own cards demand.

    Args:
        method: Finds by vectors.
        exponent: Each principal direction is scaled by its variance to minus this power; 0.5 whitens.
    """

    def similarities(queries: Descriptions, references: Descriptions) -> NDArray[np.float32]:
        stored = references.astype(np.float64)
        mean = stored.mean(axis=0)
        variances, directions = np.linalg.eigh(np.cov(stored - mean, rowvar=False))
        scale = directions * np.maximum(variances, variances.max() * 1e-6) ** -exponent
        return _cosines(_unit((queries - mean) @ scale), _unit((stored - mean) @ scale))

    return Method(f"{method.name}, whitened {exponent:g}", method.describe, similarities)


def ranks_of_right(similarities: NDArray[np.float32], labels: Labels, truth: Labels) -> Labels:
    """Ranks the best reference of the right label.

    Args:
        similarities: float32 (queries, references), larger is nearer.
        labels: int64 (references,).
        truth: int64 (queries,), the right label of each query; each must be among ``labels``.

    Returns:
        int64 (queries,), 1 for a right answer. References of one label count once. Ties keep the order
        in which labels first appear among the references, which has nothing to do with the query.
    """
    names, firsts, places = np.unique(labels, return_index=True, return_inverse=True)
    by_label = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[by_label], np.arange(len(names)))
    ranks = np.empty(len(truth), dtype=np.int64)
    for row, right in enumerate(np.searchsorted(names, truth)):
        best = np.maximum.reduceat(similarities[row, by_label], starts)
        tied = (best == best[right]) & (firsts < firsts[right])
        ranks[row] = 1 + int((best > best[right]).sum() + tied.sum())
    return ranks


def recalls(ranks: Labels) -> tuple[Recall, ...]:
    """Counts ranks (queries,) within each of ``DEPTHS``."""
    return tuple(Recall(depth, int((ranks <= depth).sum()), len(ranks)) for depth in DEPTHS)


def _hamming(queries: Descriptions, references: Descriptions) -> NDArray[np.float32]:
    distances = hamming_distances(queries.astype(np.uint8), references.astype(np.uint8))
    return -distances.astype(np.float32)


def _cosines(queries: Descriptions, references: Descriptions) -> NDArray[np.float32]:
    return queries.astype(np.float32) @ references.astype(np.float32).T


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float64)
