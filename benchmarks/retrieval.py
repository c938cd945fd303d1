"""How often the right card comes first, or among the first few, by any way of describing pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.space import LEAST_CARDS, Moments, SpacePolicy, fit_space
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


def in_gallery_space(method: Method, exponent: float, least_cards: int = LEAST_CARDS) -> Method:
    """The same vectors in the space that an import would fit on the gallery.

    Args:
        method: Finds by unit vectors.
        exponent: Each principal direction is scaled by its variance to minus this power.
        least_cards: Galleries of fewer references get no space, as in the product.
    """
    policy = SpacePolicy(exponent, least_cards)

    def similarities(queries: Descriptions, references: Descriptions) -> NDArray[np.float32]:
        stored, asked = references.astype(np.float32), queries.astype(np.float32)
        if not policy.wants(len(stored)):
            return method.similarities(asked, stored)
        moments = Moments(stored.shape[1])
        moments.add(stored)
        space = fit_space(moments, exponent)
        return method.similarities(space.apply(asked), space.apply(stored))

    return Method(f"{method.name}, space {exponent:g}", method.describe, similarities)


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
