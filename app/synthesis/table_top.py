"""Draws a scene flat: the surface, the holders, the cards and what lies about."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from app.domain.types import RgbImage
from app.synthesis.backdrops import Surface, draw_surface, fractal_noise
from app.synthesis.camera import Camera
from app.synthesis.canvas import Canvas, Placement, Rgb
from app.synthesis.cards import draw_card_back
from app.synthesis.covers import lay_cover
from app.synthesis.degrade import happens, uniform
from app.synthesis.holders import (
    CARD_MM,
    BinderPage,
    draw_page,
    draw_sleeve,
    lay_card,
    page_plastic,
    sleeve_size_mm,
)
from app.synthesis.layouts import Layout, SceneKind
from app.synthesis.levels import PhotoRanges
from app.synthesis.props import Hand, lay_prop
from app.synthesis.rigid import lay_in_holder, lay_price

#: How often something covers a card's edge where the level says "always"; a scanner's lid leaves no room.
_COVERED = {SceneKind.FLATBED: 0.0, SceneKind.CASE: 0.2}
_COVERED_ELSE = 0.5


def draw_table_top(
    kind: SceneKind,
    layout: Layout,
    pictures: Sequence[RgbImage],
    camera: Camera,
    ranges: PhotoRanges,
    rng: np.random.Generator,
) -> Canvas:
    """Draws everything the camera will see, from straight above.

    Args:
        kind: What is photographed.
        layout: Where everything lies.
        pictures: One clean picture for each card of the layout.
        camera: Tells how much of the table is seen, and how finely it must be drawn.
        ranges: How crowded it is.
        rng: Source of chance.
    """
    canvas = _blank_canvas(layout, camera, rng)
    in_hand = kind is SceneKind.HAND or (kind is SceneKind.SINGLE and happens(rng, 0.5))
    _draw_ground(canvas, kind, layout, pictures, ranges, rng)
    if in_hand and layout.cards:  # the table is further away than the card: out of focus
        blur = max(round(3 * canvas.px_per_mm), 1)
        canvas.image[:] = cv2.blur(canvas.image, (blur, blur))
        hand = Hand(*_grip(layout), rng)
        hand.lay_behind(canvas)
        _lay_cards(canvas, kind, layout, pictures, rng)
        hand.lay_in_front(canvas)
    elif layout.page is not None:
        draw_page(canvas, layout.page, rng)
        for place in layout.spare:
            if happens(rng, 0.3):
                lay_card(canvas, draw_card_back(int(rng.integers(0, 1000))), place)
        _lay_cards(canvas, kind, layout, pictures, rng)
        _add_plastic(canvas, layout.page, 0.15 + 0.7 * ranges.clutter, rng)
    elif layout.holders:
        _fill_case(canvas, layout, pictures, rng)
    else:
        _lay_cards(canvas, kind, layout, pictures, rng)
    for place in layout.cards:
        if happens(rng, ranges.cover_chance * _COVERED.get(kind, _COVERED_ELSE)):
            lay_cover(canvas, place, rng, beside=layout.cards)
    return canvas


def _grip(layout: Layout) -> tuple[tuple[float, float], float]:
    """Where a hand holds what it holds, and how it is turned: one card from the side, a fan from below."""
    card = layout.cards[len(layout.cards) // 2]
    if len(layout.cards) == 1:
        return card.centre_mm, card.angle_deg
    turn = np.deg2rad(card.angle_deg)
    x, y = np.array(card.centre_mm) + 14.0 * np.array([-np.sin(turn), np.cos(turn)])
    return (float(x), float(y)), card.angle_deg + 90.0


def _fill_case(
    canvas: Canvas, layout: Layout, pictures: Sequence[RgbImage], rng: np.random.Generator
) -> None:
    """Cards in their holders, now and then with prices on them."""
    style_seed = int(rng.integers(0, 2**31))
    priced = uniform(rng, (0.3, 1.0)) if happens(rng, 0.35) else 0.0
    filled = len(layout.cards)
    for place, holder in zip(layout.spare, layout.holders[filled:], strict=True):
        lay_in_holder(canvas, None, place, holder, style_seed, rng)
    for picture, place, holder in zip(pictures, layout.cards, layout.holders[:filled], strict=True):
        lay_in_holder(canvas, picture, place, holder, style_seed, rng)
        if happens(rng, priced):
            lay_price(canvas, place, rng)


def _draw_ground(
    canvas: Canvas,
    kind: SceneKind,
    layout: Layout,
    pictures: Sequence[RgbImage],
    ranges: PhotoRanges,
    rng: np.random.Generator,
) -> None:
    """The lid of a scanner, or a table with what lies about on it."""
    size = (canvas.image.shape[1], canvas.image.shape[0])
    if kind is SceneKind.FLATBED:
        canvas.image[:] = _scanner_lid(size, rng)
        return
    surface = _choose_surface(kind, ranges, rng)
    canvas.image[:] = draw_surface(surface, size, canvas.px_per_mm, rng, _border_colour(pictures))
    _scatter_props(canvas, layout, ranges, rng, on_table=kind not in (SceneKind.SINGLE, SceneKind.HAND))


def _lay_cards(
    canvas: Canvas, kind: SceneKind, layout: Layout, pictures: Sequence[RgbImage], rng: np.random.Generator
) -> None:
    """All cards, either all in sleeves or none."""
    often = {SceneKind.TABLE: 0.4, SceneKind.SINGLE: 0.5, SceneKind.FLATBED: 0.15}
    sleeved = happens(rng, often.get(kind, 0.25))
    style_seed = int(rng.integers(0, 2**31))  # people buy their sleeves by the pack: all look the same
    for picture, place in zip(pictures, layout.cards, strict=True):
        if sleeved:
            style = np.random.default_rng(style_seed)
            _lay_sleeved(canvas, picture, place, style, fits_pocket=layout.page is not None)
        else:
            lay_card(canvas, picture, place)


def _blank_canvas(layout: Layout, camera: Camera, rng: np.random.Generator) -> Canvas:
    """As much of the plane as is seen, short of what a tilted camera sees far away."""
    outline = layout.outline_mm
    room = 0.9 * max(camera.size_px) / camera.px_per_mm
    seen = camera.visible_mm()
    low = np.maximum(seen.min(axis=0) - 2, outline.min(axis=0) - room)
    high = np.minimum(seen.max(axis=0) + 2, outline.max(axis=0) + room)
    px_per_mm = camera.px_per_mm * 1.05
    width, height = np.ceil((high - low) * px_per_mm).astype(int)
    angle = float(rng.uniform(0, 2 * np.pi))
    slant = uniform(rng, (0.2, 0.8))
    shadow = (float(np.cos(angle) * slant), float(np.sin(angle) * slant))
    image = np.zeros((int(height), int(width), 3), np.uint8)
    return Canvas(image, px_per_mm, (float(low[0]), float(low[1])), shadow)


def _choose_surface(kind: SceneKind, ranges: PhotoRanges, rng: np.random.Generator) -> Surface:
    """Easy scenes lie on something plain; crowded ones on patterns or on the colour of the cards' border."""
    if kind.value.startswith("page") and not happens(rng, 0.6 * ranges.clutter):
        return (Surface.WOOD, Surface.PLAIN, Surface.CLOTH, Surface.MARBLE)[int(rng.integers(0, 4))]
    if ranges.clutter < 0.25:
        return (Surface.PLAIN, Surface.PLAIN, Surface.CLOTH, Surface.WOOD)[int(rng.integers(0, 4))]
    if ranges.clutter > 0.75 and happens(rng, 0.25):
        return Surface.BORDER_LIKE
    if happens(rng, 0.2):
        return Surface.PAINTED
    surfaces = tuple(surface for surface in Surface if surface not in (Surface.PLAIN, Surface.BORDER_LIKE))
    return surfaces[int(rng.integers(0, len(surfaces)))]


def _scanner_lid(size_px: tuple[int, int], rng: np.random.Generator) -> RgbImage:
    """The underside of a lid: white, grey or black, hardly uneven."""
    level = float(rng.choice([244.0, 232.0, 205.0, 22.0, 12.0]))
    uneven = fractal_noise(rng, (64, 64), (3, 3), 2) * 6 - 3
    tint = np.array([level, level, level - float(rng.uniform(0, 5))])
    lid = np.clip(tint + uneven[..., None], 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(lid, size_px, interpolation=cv2.INTER_CUBIC), np.uint8)


def _border_colour(pictures: Sequence[RgbImage]) -> Rgb:
    """Median colour of the outermost 2 % of the first card; grey if there is none."""
    if not pictures:
        return (128.0, 128.0, 128.0)
    rim = max(pictures[0].shape[0] // 50, 1)
    red, green, blue = (float(v) for v in np.median(pictures[0][:rim].reshape(-1, 3), axis=0))
    return (red, green, blue)


def _scatter_props(
    canvas: Canvas, layout: Layout, ranges: PhotoRanges, rng: np.random.Generator, *, on_table: bool
) -> None:
    """Things beside the cards, more of them where the scene is crowded; cards lie on top of them."""
    most = round(1 + 7 * ranges.clutter) if on_table else round(3 * ranges.clutter)
    if ranges.clutter < 0.25:
        return
    low = np.array(canvas.origin_mm)
    high = low + np.array(canvas.image.shape[1::-1]) / canvas.px_per_mm
    centres = np.array([place.centre_mm for place in layout.cards]).reshape(-1, 2)
    for _ in range(int(rng.integers(0, most + 1))):
        spot = rng.uniform(low, high)
        if len(centres) and np.hypot(*(centres - spot).T).min() < 62.0:
            continue
        lay_prop(canvas, (float(spot[0]), float(spot[1])), rng)


def _lay_sleeved(
    canvas: Canvas, picture: RgbImage, place: Placement, rng: np.random.Generator, *, fits_pocket: bool
) -> None:
    """A card in its sleeve: the back of the sleeve, the card at its bottom, the film over both."""
    size_mm = (66.0, 90.5) if fits_pocket else sleeve_size_mm(rng)
    # The card rests at the closed lower end, so more of the sleeve shows above it.
    up = (size_mm[1] - CARD_MM[1]) / 2 - 1.0
    turn = np.deg2rad(place.angle_deg)
    x, y = np.array(place.centre_mm) + up * np.array([np.sin(turn), -np.cos(turn)])
    outer = Placement((float(x), float(y)), size_mm, place.angle_deg)
    scale = min(canvas.px_per_mm, 8.0)
    film_picture, back, film = draw_sleeve(
        (round(size_mm[0] * scale), round(size_mm[1] * scale)), size_mm, rng
    )
    canvas.lay(film_picture, back, outer, lift_mm=0.7, depth=0.5)
    lay_card(canvas, picture, place, 0.2)
    canvas.lay(np.full_like(film_picture, 245), film, outer, lift_mm=0, depth=0)


def _add_plastic(canvas: Canvas, page: BinderPage, strength: float, rng: np.random.Generator) -> None:
    """Adds the shine of the pockets' film over the whole page."""
    film = page_plastic(page, min(canvas.px_per_mm, 4.0), strength, rng)
    rows, columns = canvas.box_px((0.0, 0.0), page.size_mm)
    region = canvas.image[rows, columns]
    if region.size == 0:
        return
    shine = cv2.resize(np.clip(film, 0, 255).astype(np.uint8), region.shape[1::-1])
    shine = cv2.cvtColor(shine, cv2.COLOR_GRAY2RGB)
    region[:] = cv2.add(region, shine)
