"""The space of a gallery: what it does to vectors, and when it is fitted."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.space import PSEUDO_CARDS, Moments, Space, SpacePolicy, fit_space
from app.domain.types import Vectors

DIMENSION = 12
#: So many that the pseudo-cards hardly count.
MANY = 40_000


def lopsided(count: int, seed: int = 0) -> Vectors:
    """Unit vectors around a common direction, far apart along some axes and close along others."""
    rng = np.random.default_rng(seed)
    vectors = 4 * np.eye(DIMENSION)[0] + rng.normal(size=(count, DIMENSION)) * np.geomspace(1, 0.1, DIMENSION)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def fitted(vectors: Vectors, exponent: float = 0.2) -> Space:
    moments = Moments(vectors.shape[1])
    moments.add(vectors)
    return fit_space(moments, exponent)


def variances(vectors: np.ndarray) -> np.ndarray:
    """Along the principal directions, rising; without the smallest, along which unit vectors cannot vary."""
    return np.linalg.eigvalsh(np.cov(vectors, rowvar=False))[1:]


def moved(space: Space, vectors: Vectors) -> np.ndarray:
    """What ``apply`` gives before the lengths are evened."""
    return (vectors.astype(np.float64) - space.mean) @ space.map


def test_moved_vectors_have_unit_length_and_lie_around_nothing() -> None:
    vectors = lopsided(MANY)
    space = fitted(vectors)
    applied = space.apply(vectors)
    assert applied.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(applied, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(moved(space, vectors).mean(axis=0), 0, atol=1e-6)
    assert np.linalg.norm(applied.mean(axis=0)) < 0.1 < 0.9 < np.linalg.norm(vectors.mean(axis=0))


@pytest.mark.parametrize("exponent", [0.0, 0.2, 0.5])
def test_variances_are_evened_out_as_far_as_the_exponent_says(exponent: float) -> None:
    vectors = lopsided(MANY)
    before, after = variances(vectors), variances(moved(fitted(vectors, exponent), vectors))
    np.testing.assert_allclose(
        np.log(after[-1] / after[1:]), (1 - 2 * exponent) * np.log(before[-1] / before[1:]), atol=0.15
    )


def test_the_map_keeps_the_scale_of_the_vectors_on_average() -> None:
    space = fitted(lopsided(500))
    assert np.linalg.eigvalsh(space.map.astype(np.float64)).mean() == pytest.approx(1)
    np.testing.assert_array_equal(space.map, space.map.T)


def test_few_cards_move_little_because_the_covariance_is_shrunk() -> None:
    few, many = fitted(lopsided(20), 0.5), fitted(lopsided(MANY), 0.5)
    spread = [np.ptp(np.linalg.eigvalsh(space.map.astype(np.float64))) for space in (few, many)]
    assert spread[0] < spread[1] / 3
    assert PSEUDO_CARDS > 20


def test_batches_give_the_space_that_all_at_once_give() -> None:
    vectors = lopsided(1000)
    moments = Moments(DIMENSION)
    for part in np.split(vectors, [100, 700]):
        moments.add(part)
    space = fit_space(moments, 0.2)
    assert space.cards == 1000
    np.testing.assert_allclose(space.map, fitted(vectors).map, rtol=1e-5, atol=1e-6)


def test_a_vector_is_moved_the_same_alone_and_among_others() -> None:
    vectors = lopsided(300)
    space = fitted(vectors)
    alone = np.concatenate([space.apply(vectors[i : i + 1]) for i in range(300)])
    np.testing.assert_allclose(alone, space.apply(vectors), atol=1e-7)
    assert space.apply(vectors[:0]).shape == (0, DIMENSION)


def test_a_vector_that_is_the_mean_itself_gets_no_direction() -> None:
    same = np.tile(lopsided(1), (300, 1))
    applied = fitted(same).apply(same[:2])
    assert np.isfinite(applied).all()


def test_the_fingerprint_stands_for_encoder_and_vectors() -> None:
    vectors = lopsided(200)
    fingerprint = fitted(vectors).fingerprint("encoder")
    assert len(fingerprint) == 32
    assert fitted(vectors.copy()).fingerprint("encoder") == fingerprint
    others = {
        fitted(vectors).fingerprint("another"),
        fitted(vectors[:199]).fingerprint("encoder"),
        fitted(vectors, 0.25).fingerprint("encoder"),
    }
    assert len(others | {fingerprint}) == 4


def test_a_space_is_read_as_it_was_written() -> None:
    space = fitted(lopsided(200))
    read = Space.from_bytes(space.to_bytes(), space.cards)
    np.testing.assert_array_equal(read.mean, space.mean)
    np.testing.assert_array_equal(read.map, space.map)
    assert (len(space.to_bytes()), read.cards) == (4 * DIMENSION * (DIMENSION + 1), 200)


@pytest.mark.parametrize("data", [b"", b"123", bytes(12), bytes(4 * 7)])
def test_bytes_of_a_length_that_no_space_has_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no space"):
        Space.from_bytes(data, 5)


def test_one_card_or_an_exponent_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="two cards"):
        fitted(lopsided(1))
    with pytest.raises(ValueError, match="exponent"):
        fitted(lopsided(9), 0.6)


@pytest.mark.parametrize(
    ("cards", "fitted_on", "due"),
    [
        (999, None, False),
        (1000, None, True),
        (1499, 1000, False),
        (1500, 1000, True),
        (1001, 1500, False),
        (1000, 1500, True),
        (10, 1500, True),
        (900, 1000, False),
    ],
)
def test_a_space_is_due_when_the_gallery_is_large_enough_or_has_another_size_than_it_was_fitted_on(
    cards: int, fitted_on: int | None, due: bool
) -> None:
    assert SpacePolicy(0.2).is_due(cards, fitted_on) is due


def test_an_encoder_without_an_exponent_wants_no_space_and_gives_up_one_that_is_there() -> None:
    policy = SpacePolicy(0.0)
    assert not policy.wants(5000)
    assert not policy.is_due(5000, None)
    assert policy.is_due(5000, 5000)
