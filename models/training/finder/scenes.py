"""The pictures that the card finder learns from: invented scenes, drawn once and kept on disk."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from app.domain.types import RgbImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.layouts import SceneKind
from app.synthesis.levels import Level
from app.synthesis.scenes import SceneCard, photograph_scene

Choice = TypeVar("Choice")

#: Longer sides are shrunk to this: the finder looks at 640.
KEPT_LONG_SIDE_PX = 896
_JPEG_QUALITY = 95
_CARD_HEIGHT_PX = 420
_KINDS = (
    (SceneKind.PAGE_3X3, 0.13),
    (SceneKind.PAGE_4X3, 0.1),
    (SceneKind.PAGE_2X2, 0.07),
    (SceneKind.FLATBED, 0.05),
    (SceneKind.TABLE, 0.12),
    (SceneKind.STREWN, 0.12),
    (SceneKind.HEAP, 0.06),
    (SceneKind.CASCADE, 0.07),
    (SceneKind.HAND, 0.04),
    (SceneKind.CASE, 0.18),
    (SceneKind.SINGLE, 0.06),
)
#: How many cards at least and at most; of the other kinds half as many as fit, or more.
_COUNTS = {
    SceneKind.TABLE: (0, 14),
    SceneKind.STREWN: (2, 16),
    SceneKind.HEAP: (2, 30),
    SceneKind.CASCADE: (2, 30),
    SceneKind.HAND: (2, 10),
    SceneKind.CASE: (1, 60),
    SceneKind.SINGLE: (1, 1),
}
#: Many cards are small in the kept picture and need not be drawn large.
_MANY = 8
_MANY_HEIGHT_PX = 240
#: A little more than is kept.
_MEGAPIXELS = (0.6, 1.5)
_LEVELS = ((Level.EASY, 0.2), (Level.MEDIUM, 0.35), (Level.HARD, 0.45))


@dataclass(frozen=True, slots=True)
class TrainingScene:
    """A picture with the cards on it.

    Attributes:
        image: RGB uint8 (height, width, 3).
        quads: Corners of the cards in its pixels, (count, 4, 2).
        visible: Share of each card that no other card covers, (count,).
    """

    image: RgbImage
    quads: NDArray[np.float64]
    visible: NDArray[np.float64]


def drawn_scenes(seed: int, count: int, artworks: int, folder: Path, workers: int) -> list[Path]:
    """Files of the scenes, from the cache where they are, else drawn now.

    Args:
        seed: Of scenes and cards.
        count: How many.
        artworks: Different pictures of the cards on them.
        folder: The cache.
        workers: Processes that draw; 0 draws in this one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{seed}-{number:05d}.npz" for number in range(count)]
    missing = [path for path in paths if not path.exists()]
    draw = partial(_draw_file, seed=seed, cards=invent_catalogue(seed, artworks))
    if workers == 0:
        for path in missing:
            draw(path)
    elif missing:
        with multiprocessing.get_context("spawn").Pool(workers, cv2.setNumThreads, (1,)) as pool:
            for _ in track(pool.imap_unordered(draw, missing, 4), "drawing scenes", total=len(missing)):
                pass
    return paths


def read_scene(path: Path) -> TrainingScene:
    """Reads a scene that ``drawn_scenes`` wrote."""
    with np.load(path) as kept:
        image = cv2.imdecode(kept["jpeg"], cv2.IMREAD_COLOR_RGB)
        return TrainingScene(np.asarray(image, np.uint8), kept["quads"], kept["visible"])


def _draw_file(path: Path, seed: int, cards: Sequence[InventedCard]) -> None:
    rng = np.random.default_rng((seed, int(path.stem.partition("-")[2])))
    scene = _draw(cards, rng)
    done, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    assert done
    unfinished = path.with_suffix(".unfinished.npz")
    np.savez(unfinished, jpeg=jpeg, quads=scene.quads, visible=scene.visible)
    unfinished.rename(path)


def _draw(cards: Sequence[InventedCard], rng: np.random.Generator) -> TrainingScene:
    kind = _pick(_KINDS, rng)
    level = _pick(_LEVELS, rng)
    least, most = _COUNTS.get(kind, (kind.most_cards // 2, kind.most_cards))
    count = int(np.exp(rng.uniform(np.log(least + 1), np.log(most + 2)))) - 1  # few are as likely as many
    if kind.value.startswith("page") and rng.random() < 0.6:
        count = most
    shown = [cards[index] for index in rng.choice(len(cards), count, replace=count > len(cards))]
    many = count > _MANY
    faces = [SceneCard(draw_card(card, _MANY_HEIGHT_PX if many else _CARD_HEIGHT_PX)) for card in shown]
    photo = photograph_scene(kind, level, faces, rng, megapixels=float(rng.uniform(*_MEGAPIXELS)))
    scale = min(1.0, KEPT_LONG_SIDE_PX / max(photo.image.shape[:2]))
    image = cv2.resize(photo.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    quads = np.array([card.quad_px for card in photo.cards]).reshape(-1, 4, 2) * scale
    return TrainingScene(np.asarray(image, np.uint8), quads, _visible_shares(quads, image.shape[:2]))


def _visible_shares(quads: NDArray[np.float64], size_px: tuple[int, ...]) -> NDArray[np.float64]:
    """Cards lie on those that come before them."""
    owner = np.zeros((size_px[0], size_px[1]), np.int32)
    whole = np.zeros(len(quads))
    for number, quad in enumerate(quads, 1):
        corners = [np.round(quad).astype(np.int32)]
        mask = cv2.fillPoly(np.zeros(owner.shape, np.uint8), corners, 1)
        whole[number - 1] = max(int(mask.sum()), 1)
        cv2.fillPoly(owner, corners, number)
    left = np.bincount(owner.ravel(), minlength=len(quads) + 1)[1:]
    return np.asarray(left / whole, np.float64)


def _pick(choices: Sequence[tuple[Choice, float]], rng: np.random.Generator) -> Choice:
    """One of the choices, by their shares."""
    shares = np.array([share for _, share in choices])
    return choices[int(rng.choice(len(choices), p=shares / shares.sum()))][0]
