"""Measures what int8 costs: fp32 against int8, on pictures of cards and photos of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.domain.types import RgbImage, Vectors
from app.inference.encoder import BATCH_SIZES
from app.inference.int8_proof import Int8Figures, Recall
from app.synthesis.levels import Level
from app.synthesis.views import photographed_view

Progress = Callable[[int, int], None]
"""Called with pictures embedded and pictures in all."""

View = Callable[[RgbImage, int], RgbImage]

_RECALL_DEPTH = 50


class Embeds(Protocol):
    """Any encoder."""

    def encode_now(self, crops: Sequence[RgbImage]) -> Vectors:
        """As ``LoadedEncoder.encode_now``."""
        ...


@dataclass(frozen=True, slots=True)
class _Embedded:
    """Unit vectors (cards, dimension) of the references and of one photo of each."""

    references: Vectors
    photos: Vectors


def judging_photo(picture: RgbImage, number: int) -> RgbImage:
    """A simulated photo of a card, in turn of medium and hard light, blur, glare and crop."""
    level = (Level.MEDIUM, Level.HARD)[number % 2]
    return photographed_view(picture, np.random.default_rng([number, 8]), strength=level)


def measure_int8(
    fp32: Embeds,
    int8: Embeds,
    pictures: Sequence[RgbImage],
    progress: Progress | None = None,
    view: View | None = None,
) -> Int8Figures:
    """Embeds every picture and one photo of each by both encoders, and searches the ones for the others.

    Args:
        fp32: The encoder that was quantised.
        int8: What came of it.
        pictures: Of different cards.
        progress: Told after every batch.
        view: Degrades a picture, told its number; ``judging_photo`` by default.
    """
    degraded = view or judging_photo
    size = BATCH_SIZES[0]
    parts: dict[str, list[Vectors]] = {"references": [], "photos": [], "references8": [], "photos8": []}
    for start in range(0, len(pictures), size):
        references = pictures[start : start + size]
        photos = [degraded(picture, start + i) for i, picture in enumerate(references)]
        parts["references"].append(fp32.encode_now(references))
        parts["photos"].append(fp32.encode_now(photos))
        parts["references8"].append(int8.encode_now(references))
        parts["photos8"].append(int8.encode_now(photos))
        if progress is not None:
            progress(start + len(references), len(pictures))
    joined = {name: np.concatenate(vectors) for name, vectors in parts.items()}
    return _compare(
        _Embedded(joined["references"], joined["photos"]),
        _Embedded(joined["references8"], joined["photos8"]),
    )


def _compare(fp32: _Embedded, int8: _Embedded) -> Int8Figures:
    cosines = np.concatenate(
        [(fp32.references * int8.references).sum(axis=1), (fp32.photos * int8.photos).sum(axis=1)]
    )
    searches = (
        fp32.photos @ fp32.references.T,
        int8.photos @ int8.references.T,
        int8.photos @ fp32.references.T,
    )
    first, *others = (similarity.argmax(axis=1) for similarity in searches)
    recalls = [_recall(similarity) for similarity in searches]
    return Int8Figures(
        queries=len(fp32.photos),
        least_cosine=float(cosines.min()),
        mean_cosine=float(cosines.mean()),
        fp32=recalls[0],
        int8=recalls[1],
        int8_in_fp32=recalls[2],
        top1_agreement=min(float((first == other).mean()) for other in others),
    )


def _recall(similarity: Vectors) -> Recall:
    """Of a square matrix of similarities whose diagonal holds the right pairs."""
    ahead = (similarity > np.diagonal(similarity)[:, None]).sum(axis=1)
    return Recall(at_1=float((ahead < 1).mean()), at_50=float((ahead < _RECALL_DEPTH).mean()))
