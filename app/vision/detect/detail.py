"""Tells printed cards from empty pockets, tiles and mostly bare pages: print has detail everywhere."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.vision.detect.candidates import Quads
from app.vision.detect.shapes import areas, inner_points
from app.vision.detect.sides import Floats

#: Cells looked at across and down a card, leaving out its border.
_CELLS = 14
#: Two neighbouring cells that differ by this much (CIELAB, 8-bit) show print: light falling off across an
#: empty pocket stays below, and so does what noise the averaging leaves.
_PRINT_STEP = 4.0


def print_shares(color: Floats, quads: Quads) -> NDArray[np.float64]:
    """Share of each quad's inside that differs from its surroundings as print does.

    Args:
        color: Picture (height, width, 3) in CIELAB.
        quads: (count, 4, 2) in pixels of that picture.

    Returns:
        (count,), in [0, 1]: near 0 for a bare surface, above a half for most cards.
    """
    shares = np.zeros(len(quads))
    if len(quads) == 0:
        return shares
    cell_px = np.sqrt(np.maximum(areas(quads), 1.0)) / _CELLS
    level = np.clip(np.floor(np.log2(np.maximum(cell_px, 1.0))), 0, 6).astype(int)
    plane, scale = color, 1.0
    for step in range(int(level.max()) + 1):
        here = np.flatnonzero(level == step)
        if len(here):
            shares[here] = _shares(plane, quads[here] * scale)
        plane, scale = np.asarray(cv2.pyrDown(plane), dtype=np.float32), scale / 2
    return shares


def _shares(plane: Floats, quads: Quads) -> NDArray[np.float64]:
    """Share of cells that differ from the next across or down, for quads of one size."""
    points = (inner_points(quads, _CELLS, margin=0.1) - 0.5).astype(np.float32)
    cells = cv2.remap(
        plane, points[..., 0], points[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).reshape(len(quads), _CELLS, _CELLS, 3)
    across = np.linalg.norm(np.diff(cells, axis=2), axis=-1)[:, :-1]
    down = np.linalg.norm(np.diff(cells, axis=1), axis=-1)[:, :, :-1]
    return np.asarray((np.maximum(across, down) > _PRINT_STEP).mean(axis=(1, 2)), dtype=np.float64)
