"""What cards are kept in: binder pages with pockets, and sleeves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage
from app.synthesis.backdrops import fractal_noise
from app.synthesis.canvas import Canvas, Placement, Rgb
from app.synthesis.degrade import Plane, happens, uniform
from app.synthesis.surroundings import CORNER_RADIUS, rounded_mask

#: Size of a card.
CARD_MM = (63.0, 88.0)
#: A pocket holds a sleeved card: 66 x 91 mm and some play.
POCKET_MM = (67.0, 92.0)
#: Welded seam between two pockets.
SEAM_MM = 4.0
#: Page beyond the outer pockets; the holes of a ring binder need more room on the left.
RIM_MM = 7.0
BINDING_MM = 24.0


@dataclass(frozen=True, slots=True)
class BinderPage:
    """A page of pockets, its centre at the origin of the plane.

    Attributes:
        rows: Pockets from top to bottom.
        columns: Pockets from left to right.
        sheet_rgb: Colour behind the cards.
        rings: Whether it hangs in a ring binder, else it is sewn into a cover.
        side_loading: Whether the pockets open at the side, else at the top.
    """

    rows: int
    columns: int
    sheet_rgb: Rgb
    rings: bool
    side_loading: bool

    @classmethod
    def at_random(cls, rows: int, columns: int, rng: np.random.Generator) -> BinderPage:
        """Most are black, some white, coloured or clear."""
        kind = float(rng.random())
        if kind < 0.66:
            sheet = np.full(3, uniform(rng, (14, 42))) + rng.uniform(0, 8, 3)
        elif kind < 0.74:
            sheet = rng.uniform(30, 230, 3)
        elif kind < 0.86:
            sheet = np.full(3, uniform(rng, (205, 238)))
        else:
            sheet = np.full(3, uniform(rng, (120, 175))) + rng.normal(0, 5, 3)
        red, green, blue = (float(value) for value in sheet)
        return cls(rows, columns, (red, green, blue), happens(rng, 0.45), happens(rng, 0.5))

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the pockets with the rim around them."""
        width = self.columns * (POCKET_MM[0] + SEAM_MM) - SEAM_MM + 2 * RIM_MM
        height = self.rows * (POCKET_MM[1] + SEAM_MM) - SEAM_MM + 2 * RIM_MM
        return width, height

    def pocket_centres_mm(self) -> list[tuple[float, float]]:
        """Centres of the pockets in reading order."""
        pitch = (POCKET_MM[0] + SEAM_MM, POCKET_MM[1] + SEAM_MM)
        return [
            ((column - (self.columns - 1) / 2) * pitch[0], (row - (self.rows - 1) / 2) * pitch[1])
            for row in range(self.rows)
            for column in range(self.columns)
        ]


def lay_card(canvas: Canvas, picture: RgbImage, place: Placement, lift_mm: float = 0.45) -> None:
    """Lays a bare card on whatever is there."""
    height, width = picture.shape[:2]
    mask = rounded_mask(width, height, round(width * CORNER_RADIUS))
    canvas.lay(picture, mask, place, lift_mm=lift_mm, depth=0.5)


def draw_page(canvas: Canvas, page: BinderPage, rng: np.random.Generator) -> None:
    """Draws the cover of the binder, the sheet, its binding and the empty pockets."""
    width, height = page.size_mm
    cover = np.full(3, uniform(rng, (18, 70))) if happens(rng, 0.6) else rng.uniform(20, 120, 3)
    margin = uniform(rng, (8, 22))
    binding = BINDING_MM if page.rings else 14.0
    size = (width + binding + 2 * margin, height + 2 * margin)
    centre = ((-binding - margin * 0.4) / 2, 0.0)
    _lay_leather(canvas, centre, size, cover, rng)
    sheet_size = (width + binding, height)
    sheet = _flat((round(sheet_size[0]), round(sheet_size[1])), np.array(page.sheet_rgb))
    sheet += (fractal_noise(rng, sheet.shape[:2], (60, 50), 2)[..., None] - 0.5) * 10
    _lay_sheet(canvas, sheet, (-binding / 2, 0.0), sheet_size)
    for pocket in page.pocket_centres_mm():
        _draw_pocket(canvas, pocket, page.sheet_rgb, rng)
    if page.rings:
        _draw_rings(canvas, (-(width + binding) / 2 - 1.0, height), rng)
    else:
        _draw_stitches(canvas, -width / 2 - 5.0, height, page.sheet_rgb)


def _flat(size: tuple[int, int], colour: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.full((size[1], size[0], 3), colour, np.float32)


def _lay_leather(
    canvas: Canvas,
    centre: tuple[float, float],
    size_mm: tuple[float, float],
    colour: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """A padded cover with grain and a seam of thread along its edge."""
    scale = min(2.0, canvas.px_per_mm)
    size = (round(size_mm[0] * scale), round(size_mm[1] * scale))
    cover = _flat(size, colour)
    grain = fractal_noise(rng, cover.shape[:2], (size_mm[1] / 1.5, size_mm[0] / 1.5), 1)
    cover += (grain[..., None] - 0.5) * 26
    pixels = np.clip(cover, 0, 255).astype(np.uint8)
    thread = np.clip(colour * 1.5 + 22, 0, 255).tolist()
    inset, dash = round(3.2 * scale), max(round(2.4 * scale), 2)
    for start in range(inset, size[0] - inset, 2 * dash):
        for y in (inset, size[1] - inset):
            cv2.line(pixels, (start, y), (start + dash, y), thread, max(1, round(0.5 * scale)), cv2.LINE_AA)
    for start in range(inset, size[1] - inset, 2 * dash):
        x = size[0] - inset
        cv2.line(pixels, (x, start), (x, start + dash), thread, max(1, round(0.5 * scale)), cv2.LINE_AA)
    mask = rounded_mask(size[0], size[1], round(6 * scale))
    canvas.lay(pixels, mask, Placement(centre, size_mm), lift_mm=5.0, depth=0.6)


def _lay_sheet(
    canvas: Canvas, sheet: NDArray[np.float32], centre: tuple[float, float], size_mm: tuple[float, float]
) -> None:
    pixels = np.clip(sheet, 0, 255).astype(np.uint8)
    mask = np.full(pixels.shape[:2], 255, np.uint8)
    canvas.lay(pixels, mask, Placement(centre, size_mm), lift_mm=1.5, depth=0.45)


def _draw_pocket(canvas: Canvas, centre: tuple[float, float], sheet: Rgb, rng: np.random.Generator) -> None:
    """The inside of a pocket: a shade apart from the sheet, darker where the film casts its shadow."""
    rows, columns = canvas.box_px(centre, POCKET_MM)
    inside = canvas.image[rows, columns]
    if inside.size == 0:
        return
    shade = np.linspace(-6, 5, inside.shape[0])[:, None] + rng.normal(0, 2.5)
    dark = sum(sheet) / 3 < 100
    table = np.repeat(shade[..., None] + (3 if dark else -8), 3, axis=2).astype(np.int16)
    inside[:] = np.clip(inside.astype(np.int16) + table, 0, 255).astype(np.uint8)


def _draw_rings(canvas: Canvas, left_and_height_mm: tuple[float, float], rng: np.random.Generator) -> None:
    """Metal rings through punched holes on the left."""
    left, height = left_and_height_mm
    count = 3 if height > 200 else 2
    scale = max(canvas.px_per_mm, 1.0)
    length, thick = 26.0, 4.2
    size = (round(length * scale), max(round(thick * scale), 3))
    across = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    along = np.linspace(0, 1, size[0], dtype=np.float32)[None, :]
    shine = 95 + 130 * np.exp(-((across + 0.35) ** 2) / 0.06) + 40 * np.exp(-((across - 0.6) ** 2) / 0.05)
    metal = np.repeat((shine * (0.65 + 0.35 * np.sin(along * np.pi)))[..., None], 3, axis=2)
    pixels = np.clip(metal, 0, 255).astype(np.uint8)
    mask = rounded_mask(size[0], size[1], size[1] // 2 - 1)
    hole = np.full((16, 16, 3), (30, 28, 28), np.uint8)
    for index in range(count):
        y = (index + 0.5 - count / 2) * height / count * 0.95 + float(rng.normal(0, 0.5))
        canvas.lay(hole, rounded_mask(16, 16, 8), Placement((left + 12, y), (7, 7)), lift_mm=0, depth=0)
        canvas.lay(pixels, mask, Placement((left, y), (length, thick)), lift_mm=3.0, depth=0.6)


def _draw_stitches(canvas: Canvas, x_mm: float, height_mm: float, sheet: Rgb) -> None:
    """The seam that sews the page into its binder."""
    thread = np.clip(np.array(sheet) * 0.75 + 55, 0, 255).tolist()
    ends = np.array([[x_mm, -height_mm / 2 + y] for y in np.arange(2.0, height_mm - 2.0, 3.4)])
    width = max(1, round(0.6 * canvas.px_per_mm))
    for start, end in zip(canvas.to_px(ends), canvas.to_px(ends + np.array([0.0, 2.1])), strict=True):
        cv2.line(
            canvas.image, start.astype(int).tolist(), end.astype(int).tolist(), thread, width, cv2.LINE_AA
        )


def page_plastic(page: BinderPage, px_per_mm: float, strength: float, rng: np.random.Generator) -> Plane:
    """Light on the film of the pockets, to be added over the cards.

    Args:
        page: The page it lies on.
        px_per_mm: Resolution of the result.
        strength: How much the film shines, 0 to 1.
        rng: Source of chance.

    Returns:
        Brightness to add, 0-255, of the page without its binding, float32.
    """
    width, height = page.size_mm
    shape = (round(height * px_per_mm), round(width * px_per_mm))
    film = np.full(shape, 4.0 + 8.0 * strength, np.float32)
    waves = fractal_noise(rng, shape, (page.rows * 1.3, page.columns * 0.9), 3)
    film += 70 * strength * np.clip(waves - 0.66, 0, None) / 0.34
    lines = np.zeros(shape, np.float32)
    origin = np.array([width / 2, height / 2])
    for centre in page.pocket_centres_mm():
        _draw_film_edges(lines, (np.array(centre) + origin) * px_per_mm, px_per_mm, page.side_loading, rng)
    uneven = fractal_noise(rng, shape, (page.rows * 6, page.columns * 6), 2)
    film += lines * np.clip(2.2 * uneven - 0.6, 0, 1.6) * (26 + 80 * strength)
    return film


def _draw_film_edges(
    lines: Plane,
    centre_px: NDArray[np.float64],
    px_per_mm: float,
    side_loading: bool,
    rng: np.random.Generator,
) -> None:
    """Bright welds around one pocket, and the lip of its opening; drawn with peak 1."""
    half = np.array(POCKET_MM) / 2 * px_per_mm
    low, high = centre_px - half, centre_px + half
    corners = np.rint([low, high]).astype(int).tolist()
    weld = max(1, round(0.5 * px_per_mm))
    cv2.rectangle(lines, corners[0], corners[1], uniform(rng, (0.5, 1.0)), weld, cv2.LINE_AA)
    inner = np.rint([low - 1.4 * px_per_mm, high + 1.4 * px_per_mm]).astype(int).tolist()
    cv2.rectangle(lines, inner[0], inner[1], uniform(rng, (0.15, 0.5)), 1, cv2.LINE_AA)
    inset = uniform(rng, (2.0, 6.0)) * px_per_mm
    if side_loading:
        lip = np.array([[high[0] - inset, low[1]], [high[0] - inset, high[1]]])
    else:
        lip = np.array([[low[0], low[1] + inset], [high[0], low[1] + inset]])
    ends = np.rint(lip).astype(int).tolist()
    cv2.line(lines, ends[0], ends[1], uniform(rng, (0.3, 0.9)), 1, cv2.LINE_AA)


def sleeve_size_mm(rng: np.random.Generator) -> tuple[float, float]:
    """Outer size of a soft sleeve, or now and then of a rigid toploader."""
    if happens(rng, 0.15):
        return 76.0, 101.0
    return 66.0 + float(rng.uniform(-0.5, 0.5)), 91.0 + float(rng.uniform(-0.5, 1.0))


def draw_sleeve(
    size_px: tuple[int, int], size_mm: tuple[float, float], rng: np.random.Generator
) -> tuple[RgbImage, NDArray[np.uint8], NDArray[np.uint8]]:
    """A sleeve as its back, to be laid under the card, and its film, to be laid over it.

    Returns:
        Picture (height, width, 3), opacity of the back, opacity of the film, all uint8.
    """
    width, height = size_px
    scale = width / size_mm[0]
    tinted = happens(rng, 0.35)  # sleeves with a printed back show it as a rim of colour
    colour = rng.uniform(10, 200, 3) if tinted else np.full(3, uniform(rng, (190, 235)))
    picture = np.clip(_flat(size_px, colour), 0, 255).astype(np.uint8)
    outline = rounded_mask(width, height, max(1, round(scale)))
    back = cv2.multiply(
        outline, np.array([uniform(rng, (0.85, 1.0)) if tinted else uniform(rng, (0.1, 0.3))])
    )
    sheen = fractal_noise(rng, (height, width), (2, 2), 2)
    film = (4 + 16 * sheen * float(rng.random())).astype(np.uint8)
    edge = max(1, round(0.5 * scale))
    cv2.rectangle(film, (0, 0), (width - 1, height - 1), uniform(rng, (40, 120)), edge)
    return picture, np.asarray(back, np.uint8), np.minimum(film, outline)
