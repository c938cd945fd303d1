"""Vectors made from others keep what makes those what they are."""

from __future__ import annotations

import numpy as np

from benchmarks.derived_vectors import grow, lengthen, noise_of_photos, noise_of_templates, unit


def clustered(cards: int) -> np.ndarray:
    """Three near views of each card, float32 (3 * cards, 24)."""
    rng = np.random.default_rng(3)
    middles = unit(rng.normal(size=(cards, 24)).astype(np.float32)).repeat(3, axis=0)
    return unit(middles + 0.05 * rng.normal(size=middles.shape).astype(np.float32))


def test_a_grown_gallery_begins_with_the_cards_it_grew_from() -> None:
    templates = clustered(40)
    grown = grow(templates, 100, seed=1)
    assert grown.shape == (300, 24)
    np.testing.assert_array_equal(grown[:120], templates)
    np.testing.assert_allclose(np.linalg.norm(grown, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(grow(templates, 100, seed=1), grown)


def test_views_of_a_derived_card_differ_as_those_of_a_real_one() -> None:
    templates = clustered(200)
    derived = grow(templates, 400, seed=1)[600:]
    assert abs(noise_of_templates(derived) / noise_of_templates(templates) - 1) < 0.1


def test_a_longer_space_keeps_cosines_but_for_the_noise() -> None:
    templates = clustered(40)
    longer = lengthen(templates, 96, 0.0, seed=1)
    np.testing.assert_allclose(longer @ longer.T, templates @ templates.T, atol=1e-5)
    noisy = lengthen(templates, 96, 0.3, seed=1)
    distances = np.linalg.norm(noisy * np.sqrt(1 + 0.3**2) - longer, axis=1)
    assert abs(np.sqrt((distances**2).mean()) - 0.3) < 0.05


def test_the_noise_of_a_photo_is_its_distance_from_the_nearest_template() -> None:
    templates = clustered(16)
    assert noise_of_photos(templates[:8], templates) < 1e-3
    assert noise_of_photos(-templates[:8], templates) > 1
