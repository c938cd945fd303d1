"""Detection never fails, whatever the picture, and what it gives is well formed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.geometry import is_convex, side_lengths
from app.domain.types import RgbImage
from app.vision.detect import detect_cards


@st.composite
def pictures(draw: st.DrawFn) -> RgbImage:
    """Small pictures of rectangles over noise or one colour."""
    height, width = draw(st.integers(1, 220)), draw(st.integers(1, 220))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread = draw(st.sampled_from([0, 3, 60, 255]))
    image = rng.integers(0, spread + 1, (height, width, 3)).astype(np.uint8)
    for _ in range(draw(st.integers(0, 6))):
        top, left = int(rng.integers(0, height)), int(rng.integers(0, width))
        bottom, right = int(rng.integers(top, height + 1)), int(rng.integers(left, width + 1))
        image[top:bottom, left:right] = rng.integers(0, 256, 3)
    return image


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pictures())
def test_any_picture_gives_convex_quads_in_or_near_it(image: RgbImage) -> None:
    height, width = image.shape[:2]
    for found in detect_cards(image):
        assert found.quad_px.shape == (4, 2)
        assert is_convex(found.quad_px)
        assert 0.0 <= found.score <= 1.0
        assert np.all(found.quad_px >= -0.1 * max(height, width))
        assert np.all(found.quad_px <= 1.1 * max(height, width) + np.array([width, height]) * 0.1)
        assert side_lengths(found.quad_px).min() > 8.0
