"""Recall is counted by similarity: a template that ties with the last of the exact ones is as good."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.derived_vectors import unit
from benchmarks.vector_gallery import TOP_K, fiftieth_similarities, share_found


def test_the_fiftieth_similarity_is_that_of_an_exact_search() -> None:
    rng = np.random.default_rng(1)
    templates = unit(rng.normal(size=(500, 8)).astype(np.float32))
    photos = unit(rng.normal(size=(5, 8)).astype(np.float32))
    exact = np.sort(photos @ templates.T, axis=1)[:, -TOP_K]
    np.testing.assert_allclose(fiftieth_similarities(photos, templates), exact, atol=2e-3)


@pytest.mark.parametrize(
    ("found", "share"),
    [([0.9] * 50, 1.0), ([0.9] * 25 + [0.4] * 25, 0.5), ([0.5] * 60, 1.0), ([], 0.0)],
    ids=["all", "half are too far", "more that tie", "nothing"],
)
def test_what_lies_as_near_as_the_exact_ones_counts_as_found(found: list[float], share: float) -> None:
    assert share_found(found, fiftieth=0.5) == share
