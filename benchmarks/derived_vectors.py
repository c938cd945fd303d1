"""More vectors than were embedded, and longer ones, made from real embeddings: they cluster as those do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.types import Vectors
from benchmarks.embedded_cards import VIEWS_A_CARD

#: Cards that one derived card lies between.
_PARENTS = 3


def within_card(templates: Vectors) -> NDArray[np.float32]:
    """How each template differs from the middle of its card's: float32 (cards, 3, dimension)."""
    by_card = templates.reshape(-1, VIEWS_A_CARD, templates.shape[1])
    return np.asarray(by_card - by_card.mean(axis=1, keepdims=True), np.float32)


def grow(templates: Vectors, cards: int, seed: int) -> Vectors:
    """The cards given, followed by derived ones up to ``cards``.

    A derived card's middle is a convex mix of the middles of three cards; its three views differ from it as
    those of a fourth card differ from theirs, so the noise is measured and not invented.

    Args:
        templates: float32 (3 * n, dimension), unit length, card by card.
        cards: How many are wanted, at least n.
        seed: Of the choice of cards and of the weights.

    Returns:
        float32 (3 * cards, dimension), unit length.
    """
    rng = np.random.default_rng(seed)
    by_card = templates.reshape(-1, VIEWS_A_CARD, templates.shape[1])
    middles, differences = by_card.mean(axis=1), within_card(templates)
    missing = cards - len(by_card)
    grown = np.empty((missing, VIEWS_A_CARD, templates.shape[1]), np.float32)
    for start in range(0, missing, 10_000):  # in parts: a million of them at once would fill the memory
        count = min(10_000, missing - start)
        parents = rng.integers(len(middles), size=(count, _PARENTS))
        weights = rng.dirichlet(np.ones(_PARENTS), count).astype(np.float32)
        mixed = np.einsum("cp,cpd->cd", weights, middles[parents])
        mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
        noise = differences[rng.integers(len(differences), size=count)]
        grown[start : start + count] = mixed[:, None] + noise
    return np.concatenate([templates, unit(grown.reshape(-1, templates.shape[1]))])


def lengthen(vectors: Vectors, dimension: int, noise: float, seed: int) -> Vectors:
    """Turns vectors into a longer space, which keeps their cosines, and adds even noise there.

    Args:
        vectors: float32 (n, d), unit length.
        dimension: Of the result, at least d.
        noise: Length of the noise, in the root mean square.
        seed: Of the turn (the same for the same seed and dimensions) and of the noise.

    Returns:
        float32 (n, dimension), unit length.
    """
    turn = np.linalg.qr(np.random.default_rng(dimension).normal(size=(dimension, vectors.shape[1])))[0]
    rng = np.random.default_rng(seed)
    added = rng.standard_normal((len(vectors), dimension), np.float32) * (noise / np.sqrt(dimension))
    return unit(vectors @ turn.T.astype(np.float32) + added)


def unit(vectors: NDArray[np.float32]) -> Vectors:
    """Scaled to unit length by rows."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def noise_of_templates(templates: Vectors) -> float:
    """Root mean square distance of a template from the middle of its card's."""
    return float(np.sqrt((within_card(templates) ** 2).sum(axis=2).mean()))


def noise_of_photos(photos: Vectors, templates: Vectors) -> float:
    """Root mean square distance of a photo from the template nearest to it."""
    nearest = np.concatenate([(part @ templates.T).max(axis=1) for part in np.array_split(photos, 8)])
    return float(np.sqrt(np.mean(np.maximum(2 - 2 * nearest, 0))))
