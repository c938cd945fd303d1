"""Frames: where things stand on a card of one set, and in which colours.

Lengths are shares of the card's height, so a card is 63 / 88 wide. Each family is a way of laying out a card;
a frame is one family with its own measures, colours and surfaces, as the eras of a game have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.domain.types import CARD_ASPECT
from app.synthesis.art.noise import Rng
from app.synthesis.art.palette import Colour, colour

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

BODIES = ("flat", "grained", "marbled", "brushed", "gradient", "cells", "stripes", "rays", "diamonds")
PANELS = ("paper", "bevel", "glass", "dark", "line")
WINDOWS = ("rect", "round", "arch", "oval", "cut", "slant", "notch")
COSTS = ("pips", "number", "stars", "life")
WORDINGS = ("left", "centred", "attacks")
ORNAMENTS = ("none", "line", "double", "corners", "rails", "rivets")
TINTS = ("element", "set", "kind")


@dataclass(frozen=True, slots=True)
class Frame:
    """The layout and colours of one set's cards.

    Attributes:
        family: Which way of laying out.
        seed: Decides the grain of the surfaces.
        border: Width of the printed border; 0 for none.
        border_colour: Its colour.
        body: Surface of the frame, one of ``BODIES``.
        body_level: Lightness of the frame in [0, 1].
        body_chroma: Strength of the element's colour in the frame.
        window: Where the picture is.
        window_shape: One of ``WINDOWS``.
        name: Where the name is.
        kind: Where the kind of card is written; None for nowhere.
        rules: Where the rules are.
        panel: Surface under name, kind and rules, one of ``PANELS``.
        name_align: 0 left, 0.5 middle.
        upright_name: Whether the name runs up the side.
        cost: How the cost is shown, one of ``COSTS``.
        symbol: Middle of the set symbol.
        trim: Colour of lines and edges.
        number_left: Whether the number stands on the left of the last line.
        wording: How the rules are set, one of ``WORDINGS``.
        ornament: What decorates the body, one of ``ORNAMENTS``.
        tint: What the frame's colour tells, one of ``TINTS``.
        hue: The set's own hue in turns.
    """

    family: str
    seed: int
    border: float
    border_colour: Colour
    body: str
    body_level: float
    body_chroma: float
    window: Box
    window_shape: str
    name: Box
    kind: Box | None
    rules: Box
    panel: str
    name_align: float
    upright_name: bool
    cost: str
    symbol: tuple[float, float]
    trim: Colour
    number_left: bool
    wording: str
    ornament: str
    tint: str
    hue: float

    @property
    def window_aspect(self) -> float:
        """Width over height of the picture."""
        left, top, right, bottom = self.window
        return (right - left) / (bottom - top)


_BORDERS: tuple[Colour, ...] = (
    (18, 17, 20),
    (18, 17, 20),
    (240, 238, 232),
    (236, 200, 62),
    (176, 180, 188),
    (122, 96, 52),
    (58, 22, 26),
    (24, 38, 66),
    (205, 205, 210),
    (250, 250, 250),
    (90, 90, 98),
)

Boxes = tuple[Box, Box, Box | None, Box, tuple[float, float]]
"""Window, name, kind, rules and the middle of the set symbol."""


def _duel(e: float, a: float, b: float) -> Boxes:
    w = CARD_ASPECT - e
    kind = (e, 0.505 + a, w, 0.55 + a)
    return (
        (e + 0.012, e + 0.06, w - 0.012, 0.5 + a),
        (e, e, w, e + 0.052),
        kind,
        (e + 0.012, 0.556 + a, w - 0.012, 0.925 - b),
        (w - 0.035, 0.527 + a),
    )


def _storied(e: float, a: float, b: float) -> Boxes:
    w = CARD_ASPECT - e
    return (
        (e + 0.035, e + 0.055, w - 0.035, 0.51 + a),
        (e + 0.03, e + 0.006, w - 0.03, e + 0.05),
        (e + 0.03, 0.515 + a, w - 0.03, 0.555 + a),
        (e + 0.035, 0.565 + a, w - 0.035, 0.9 - b),
        (w - 0.055, 0.535 + a),
    )


def _companion(e: float, a: float, b: float) -> Boxes:
    w = CARD_ASPECT - e
    return (
        (e + 0.022, 0.105, w - 0.022, 0.47 + a),
        (e + 0.02, e + 0.01, w - 0.02, 0.095),
        (e + 0.05, 0.475 + a, w - 0.05, 0.503 + a),
        (e + 0.02, 0.52 + a, w - 0.02, 0.9 - b),
        (w - 0.05, 0.925),
    )


def _square(e: float, a: float, b: float) -> Boxes:
    w = CARD_ASPECT - e
    side = w - e - 0.09
    top = 0.17 + a * 0.5
    return (
        (e + 0.045, top, w - 0.045, top + side),
        (e + 0.01, e + 0.012, w - 0.01, e + 0.07),
        None,
        (e + 0.012, top + side + 0.045, w - 0.012, 0.955 - b * 0.5),
        (w - 0.05, top + side + 0.022),
    )


def _runner(e: float, a: float, b: float) -> Boxes:
    w = CARD_ASPECT - e
    return (
        (e, e, w, 0.6 + a),
        (e + 0.06, 0.6 + a, w, 0.65 + a),
        (e + 0.12, 0.655 + a, w - 0.02, 0.685 + a),
        (e + 0.06, 0.69 + a, w - 0.02, 0.93 - b * 0.5),
        (w - 0.045, 0.625 + a),
    )


def _column(e: float, a: float, b: float) -> Boxes:
    w = CARD_ASPECT - e
    return (
        (e + 0.085, e + 0.012, w - 0.012, 0.62 + a),
        (e + 0.01, e + 0.09, e + 0.075, 0.66 + a),
        (e + 0.09, 0.63 + a, w - 0.012, 0.665 + a),
        (e + 0.085, 0.675 + a, w - 0.012, 0.93 - b * 0.5),
        (e + 0.042, 0.72 + a),
    )


def _shrine(e: float, a: float, b: float) -> Boxes:
    w = CARD_ASPECT - e
    return (
        (e + 0.02, e + 0.02, w - 0.02, 0.585 + a),
        (e + 0.005, 0.56 + a, w - 0.005, 0.615 + a),
        (e + 0.12, 0.618 + a, w - 0.12, 0.65 + a),
        (e + 0.03, 0.66 + a, w - 0.03, 0.91 - b),
        (CARD_ASPECT / 2, 0.93),
    )


def _plate(e: float, a: float, _b: float) -> Boxes:
    w = CARD_ASPECT - e
    return (
        (e + 0.015, e + 0.015, w - 0.015, 0.7 + a * 0.5),
        (e + 0.015, 0.905, w - 0.015, 0.95),
        None,
        (e + 0.02, 0.715 + a * 0.5, w - 0.02, 0.895),
        (w - 0.045, 0.927),
    )


def _ledger(e: float, a: float, b: float) -> Boxes:
    w = CARD_ASPECT - e
    return (
        (e + 0.02, 0.42 + a, w - 0.02, 0.925 - b * 0.3),
        (e + 0.01, e + 0.01, w - 0.01, e + 0.06),
        (e + 0.02, e + 0.065, w - 0.02, e + 0.095),
        (e + 0.02, e + 0.105, w - 0.02, 0.405 + a),
        (w - 0.045, 0.95),
    )


def _tarot(e: float, a: float, _b: float) -> Boxes:
    w = CARD_ASPECT - e
    return (
        (e + 0.03, e + 0.07, w - 0.03, 0.8 + a * 0.4),
        (e + 0.05, 0.81 + a * 0.4, w - 0.05, 0.86 + a * 0.4),
        None,
        (e + 0.05, 0.865 + a * 0.4, w - 0.05, 0.945),
        (CARD_ASPECT / 2, e + 0.035),
    )


_FAMILIES: tuple[tuple[str, Callable[[float, float, float], Boxes]], ...] = (
    ("duel", _duel),
    ("storied", _storied),
    ("companion", _companion),
    ("square", _square),
    ("runner", _runner),
    ("column", _column),
    ("shrine", _shrine),
    ("plate", _plate),
    ("ledger", _ledger),
    ("tarot", _tarot),
)


def invent_frame(rng: Rng) -> Frame:
    """Draws a frame of any family."""
    family, boxes = _FAMILIES[int(rng.integers(len(_FAMILIES)))]
    border = float(rng.choice([0.012, 0.022, 0.03, 0.036]))
    edge = border + float(rng.uniform(0.004, 0.018))
    window, name, kind, rules, symbol = boxes(
        edge, float(rng.uniform(-0.04, 0.04)), float(rng.uniform(0, 0.03))
    )
    shape = "rect" if rng.random() < 0.5 else str(rng.choice(WINDOWS))
    return Frame(
        family=family,
        seed=int(rng.integers(2**31)),
        border=border,
        border_colour=_BORDERS[int(rng.integers(len(_BORDERS)))],
        body=str(rng.choice(BODIES)),
        body_level=float(rng.uniform(0.25, 0.85)),
        body_chroma=float(rng.choice([0.02, 0.07, 0.12, 0.16])),
        window=window,
        window_shape=shape,
        name=name,
        kind=kind,
        rules=rules,
        panel=str(rng.choice(PANELS)),
        name_align=float(rng.choice([0.0, 0.0, 0.5])),
        upright_name=family == "column",
        cost=str(rng.choice(COSTS)),
        symbol=symbol,
        trim=colour(
            float(rng.choice([0.12, 0.35, 0.8, 0.95])),
            float(rng.choice([0.0, 0.05, 0.1])),
            float(rng.random()),
        ),
        number_left=bool(rng.random() < 0.5),
        wording="attacks" if family == "companion" else str(rng.choice(WORDINGS, p=(0.55, 0.25, 0.2))),
        ornament=str(rng.choice(ORNAMENTS)),
        tint=str(rng.choice(TINTS, p=(0.6, 0.2, 0.2))),
        hue=float(rng.random()),
    )


def full_art_frame(frame: Frame) -> Frame:
    """The same set's layout for full-art cards: the picture fills the card, the words float on it."""
    edge = frame.border if frame.seed % 2 else 0.0
    left, top, right, bottom = frame.rules
    name, kind = frame.name, frame.kind
    if frame.family == "ledger":  # words above the picture would hide its best part
        name = (left, 0.60, right, 0.65)
        kind = None
    return replace(
        frame,
        seed=frame.seed + 1,
        border=edge,
        body="flat",
        ornament="none",
        window=(edge, edge, CARD_ASPECT - edge, 1 - edge),
        window_shape="rect",
        name=name,
        kind=kind,
        rules=(left, max(top, 0.70), right, max(bottom, 0.92)),
        panel="glass" if frame.seed % 3 else "none",
    )
