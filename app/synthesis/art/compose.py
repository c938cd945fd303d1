"""One picture from one recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from app.domain.types import RgbImage
from app.synthesis.art.anatomy import Stage, invent_skin
from app.synthesis.art.creatures import paint_creature
from app.synthesis.art.figures import paint_figure
from app.synthesis.art.finish import finish
from app.synthesis.art.machines import paint_machine
from app.synthesis.art.noise import Rng
from app.synthesis.art.paint import Canvas
from app.synthesis.art.palette import Palette, invent_palette
from app.synthesis.art.patterns import paint_pattern
from app.synthesis.art.scenery import cavern, open_country, paint_place
from app.synthesis.art.skies import deep_space
from app.synthesis.art.things import LANDMARKS, paint_thing

#: Above this many pixels a picture is painted smaller and enlarged: paint has no finer detail.
_MAX_PAINTED_PX = 120_000


@dataclass(frozen=True, slots=True)
class Artwork:
    """What a picture shows; equal artworks give equal pictures.

    Attributes:
        seed: Decides everything that the other fields leave open: pose, size, manner of painting.
        place_seed: Decides palette and background; shared by pictures of the same place.
        species_seed: Decides who is shown; shared by pictures of the same being.
        theme: ``creature``, ``figure``, ``machine``, ``thing``, ``place`` or ``pattern``.
        hue: Hue of the card's element in turns; leads the palette.
        aspect: Width over height.
    """

    seed: int
    place_seed: int
    species_seed: int
    theme: str
    hue: float
    aspect: float


def draw_artwork(artwork: Artwork, height_px: int, width_px: int) -> RgbImage:
    """Paints a picture and cuts its middle to the size asked for, shape (height_px, width_px, 3)."""
    full_height = max(height_px, round(width_px / artwork.aspect))
    full_width = max(width_px, round(full_height * artwork.aspect))
    scale = min(1.0, (_MAX_PAINTED_PX / (full_height * full_width)) ** 0.5)
    rng = np.random.default_rng(artwork.seed)
    size_px = (max(16, round(full_height * scale)), max(16, round(full_width * scale)))
    canvas = Canvas(rng, *size_px, artwork.aspect)
    _paint(canvas, artwork, rng)
    pixels = canvas.pixels
    if scale < 1.0:
        pixels = np.asarray(
            cv2.resize(pixels, (full_width, full_height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8
        )
    top, left = (pixels.shape[0] - height_px) // 2, (pixels.shape[1] - width_px) // 2
    return np.ascontiguousarray(pixels[top : top + height_px, left : left + width_px])


def _paint(canvas: Canvas, artwork: Artwork, rng: Rng) -> None:
    site = np.random.default_rng(artwork.place_seed)
    palette = invent_palette(site, artwork.hue)
    if artwork.theme == "pattern":
        paint_pattern(canvas, palette, site)
    elif artwork.theme == "place":
        _paint_site(canvas, palette, site)
    elif site.random() < 0.12:
        paint_pattern(canvas, palette, site)  # a subject before a pattern
    else:
        paint_place(canvas, palette, site)
    if artwork.theme in _SUBJECTS:
        if rng.random() < 0.3:
            canvas.outline = palette.colour(2, -0.1, 0.03)
        _SUBJECTS[artwork.theme](canvas, palette, artwork, rng)
        canvas.outline = None
    finish(canvas, palette, rng)


def _paint_site(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """A place for its own sake: a view with something far off that draws the eye."""
    view = rng.random()
    if view < 0.72:
        open_country(canvas, palette, rng)
    elif view < 0.86:
        deep_space(canvas, palette, rng)
    else:
        cavern(canvas, palette, rng)
    marks = int(rng.choice([0, 1, 1, 2, 3]))
    paint = LANDMARKS[int(rng.integers(len(LANDMARKS)))]
    skin = invent_skin(palette, rng)
    for x, size in zip(rng.uniform(0.15, 0.85, marks), np.sort(rng.uniform(0.07, 0.26, marks)), strict=True):
        stage = Stage(canvas.aspect * float(x), 0.6 + 0.3 * float(size), float(size), _side(rng))
        paint(canvas, stage, skin, rng, rng)


def _paint_creature(canvas: Canvas, palette: Palette, artwork: Artwork, rng: Rng) -> None:
    _one(canvas, palette, artwork, rng, paint_creature, far=0.2)


def _paint_machine(canvas: Canvas, palette: Palette, artwork: Artwork, rng: Rng) -> None:
    _one(canvas, palette, artwork, rng, paint_machine, far=0.2)


def _paint_thing(canvas: Canvas, palette: Palette, artwork: Artwork, rng: Rng) -> None:
    _one(canvas, palette, artwork, rng, paint_thing, far=0.1)


def _paint_figure(canvas: Canvas, palette: Palette, artwork: Artwork, rng: Rng) -> None:
    """A whole person, one to the hips, a face, or two or three people."""
    view = rng.random()
    if view < 0.35:
        _one(canvas, palette, artwork, rng, paint_figure, far=0.3)
        return
    narrow = min(1.0, canvas.aspect)
    if view < 0.8:
        size = narrow * float(rng.uniform(0.75, 1.15) if view < 0.6 else rng.uniform(1.3, 2.2))
        middle = canvas.aspect * float(rng.uniform(0.4, 0.6))
        stage = Stage(middle, float(rng.uniform(0.12, 0.2)) + size * 0.95, size, _side(rng))
        paint_figure(canvas, palette, stage, np.random.default_rng(artwork.species_seed), rng)
        return
    count = int(rng.integers(2, 4))
    for i in range(count):
        size = float(rng.uniform(0.28, 0.45)) * narrow
        stage = Stage(canvas.aspect * (i + 0.7) / (count + 0.4), 0.93 - size + 0.03 * i, size, _side(rng))
        paint_figure(canvas, palette, stage, np.random.default_rng([artwork.species_seed, i]), rng)


def _side(rng: Rng) -> float:
    return -1.0 if rng.random() < 0.5 else 1.0


def _one(canvas: Canvas, palette: Palette, artwork: Artwork, rng: Rng, paint: Painter, far: float) -> None:
    """One subject: usually whole and near the middle, sometimes far off, sometimes cut by the edge."""
    view = rng.random()
    size = float(rng.uniform(0.3, 0.46))
    if view < far:
        size = float(rng.uniform(0.12, 0.24))
    elif view > 0.85:
        size = float(rng.uniform(0.5, 0.9))
    size *= min(1.0, canvas.aspect / 1.1)
    stage = Stage(
        x=canvas.aspect * float(rng.uniform(0.35, 0.65)),
        y=float(rng.uniform(0.48, 0.62)),
        size=size,
        facing=_side(rng),
    )
    canvas.shadow(stage.x, stage.y + size, size * 1.3, 0.06, 0.6)
    paint(canvas, palette, stage, np.random.default_rng(artwork.species_seed), rng)


Painter = Callable[[Canvas, Palette, Stage, Rng, Rng], None]
_Scene = Callable[[Canvas, Palette, Artwork, Rng], None]
_SUBJECTS: Mapping[str, _Scene] = MappingProxyType(
    {
        "creature": _paint_creature,
        "figure": _paint_figure,
        "machine": _paint_machine,
        "thing": _paint_thing,
    }
)
