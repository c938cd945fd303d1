"""Why a card was named so, in places that can be shown.

Places are shares of width and height, x to the right, y down, in [0, 1]: on the reference picture of the
leading candidate, or in the crop, which is the rectified card the right way up.
"""

from __future__ import annotations

from dataclasses import dataclass

Place = tuple[float, float]
"""A point: x and y, as shares of width and height."""


@dataclass(frozen=True, slots=True)
class PatchPair:
    """One patch of the reference picture, found again in the crop.

    Attributes:
        on_reference: Its middle there.
        in_crop: Its middle there.
        correlation: How well it fits, up to 1.
        together: Whether it moves with the others. About as many do as a candidate has ``inliers``, which
            were counted before the crop was stored, and with any printing of the picture.
    """

    on_reference: Place
    in_crop: Place
    correlation: float
    together: bool


@dataclass(frozen=True, slots=True)
class Region:
    """Where two printings differ.

    Attributes:
        box: Left, top, right and bottom on the reference picture.
        in_crop: The corners of the box in the crop, clockwise from its top left; None where the crop could
            not be laid on the reference.
        share: How much of the whole difference of the two lies here, in (0, 1].
        favours: What the crop shows here: 1 the leading printing, -1 the other one, 0 neither; None where
            the crop could not be laid on the reference.
    """

    box: tuple[float, float, float, float]
    in_crop: tuple[Place, Place, Place, Place] | None
    share: float
    favours: float | None


@dataclass(frozen=True, slots=True)
class PrintingDifference:
    """How the leading printing differs from another one; without ``regions`` the two look the same."""

    card_id: str
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What speaks for the leading candidate of a detection.

    Attributes:
        card_id: The leading candidate.
        patches: Patches of its reference picture that were found in the crop, those that move together
            first, the best first.
        differences: From the next likely printings of its picture, the likeliest first.
    """

    card_id: str
    patches: tuple[PatchPair, ...]
    differences: tuple[PrintingDifference, ...]
