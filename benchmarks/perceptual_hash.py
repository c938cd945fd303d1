"""Perceptual hashes: the baselines that an encoder has to beat.

pHash after Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010): low
frequencies of a discrete cosine transform, one bit each. dHash after Krawetz, "Kind of Like That" (2013):
is a pixel brighter than its left neighbour. Written from these descriptions; bits do not match those of any
library.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

RgbImage = NDArray[np.uint8]
Hashes = NDArray[np.uint8]

#: pHash transforms a square picture this many times as wide as the block of frequencies it keeps.
_OVERSAMPLING = 4


def phash(picture: RgbImage, bits: int = 64) -> Hashes:
    """Hashes a picture by the signs of its low frequencies about their median.

    Args:
        picture: RGB uint8 (height, width, 3).
        bits: A square number divisible by 8: 64 or 256, say.

    Returns:
        uint8 (bits / 8,), eight bits a byte.

    Raises:
        ValueError: ``bits`` is no such number.
    """
    side = _side_of(bits)
    size = side * _OVERSAMPLING
    frequencies = cv2.dct(_grey(picture, size, size))[:side, :side].ravel()
    # The first coefficient is the mean brightness: it would pull the median, and is no feature.
    median = np.median(frequencies[1:])
    return np.packbits(frequencies > median)


def dhash(picture: RgbImage, bits: int = 64) -> Hashes:
    """Hashes a picture by whether brightness rises from pixel to pixel along the rows of a small copy.

    Args:
        picture: RGB uint8 (height, width, 3).
        bits: A square number divisible by 8: 64 or 256, say.

    Returns:
        uint8 (bits / 8,), eight bits a byte.

    Raises:
        ValueError: ``bits`` is no such number.
    """
    side = _side_of(bits)
    small = _grey(picture, side + 1, side)
    return np.packbits(small[:, 1:] > small[:, :-1])


def hamming_distances(queries: Hashes, references: Hashes) -> NDArray[np.int32]:
    """Counts the bits in which hashes differ.

    Args:
        queries: uint8 (m, bytes).
        references: uint8 (n, bytes).

    Returns:
        int32 (m, n).

    Raises:
        ValueError: the hashes differ in length.
    """
    if queries.shape[1] != references.shape[1]:
        raise ValueError(f"hashes of {queries.shape[1]} and {references.shape[1]} bytes cannot be compared")
    distances = np.empty((len(queries), len(references)), dtype=np.int32)
    for row, query in enumerate(queries):
        distances[row] = np.bitwise_count(references ^ query).sum(axis=1, dtype=np.int32)
    return distances


def near_duplicate_groups(references: Hashes, distance_max: int) -> NDArray[np.int64]:
    """Joins references whose hashes differ in few bits, and all that are joined through others.

    Args:
        references: uint8 (n, bytes).
        distance_max: Greatest number of differing bits at which two belong together.

    Returns:
        int64 (n,): for each reference the lowest index of its group.
    """
    groups = np.arange(len(references), dtype=np.int64)
    for row in range(len(references) - 1):
        distances = np.bitwise_count(references[row + 1 :] ^ references[row]).sum(axis=1)
        for other in np.flatnonzero(distances <= distance_max) + row + 1:
            first, second = sorted((int(groups[row]), int(groups[other])))
            if first != second:
                groups[groups == second] = first
    return groups


def _side_of(bits: int) -> int:
    side = math.isqrt(max(bits, 0))
    if bits <= 0 or side * side != bits or bits % 8:
        raise ValueError(f"a hash has a square number of bits divisible by 8, not {bits}")
    return side


def _grey(picture: RgbImage, width: int, height: int) -> NDArray[np.float32]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
