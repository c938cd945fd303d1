"""Pictures of cards to quantise an encoder with: some to calibrate on, others to judge the result by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.domain.types import RgbImage

SampleSource = Literal["gallery", "files", "invented", "mixed"]

#: NNCF's ranges settle within some dozens of pictures; each costs a few passes through the network.
CALIBRATION_PICTURES = 64
#: As many as an agreement of 99.5 % takes to mean something: two of 400 may differ.
JUDGED_PICTURES = 400


@dataclass(frozen=True, slots=True)
class CardSample:
    """Clean pictures of different cards, RGB uint8 (height, width, 3) each.

    Attributes:
        source: Whose they are; ``mixed`` where invented cards made up the number.
        calibration: For calibrating.
        judged: For judging; none of them is in ``calibration``.
    """

    source: SampleSource
    calibration: tuple[RgbImage, ...]
    judged: tuple[RgbImage, ...]


def is_for_calibration(sha256: str) -> bool:
    """Whether a picture is for calibrating or for judging, whatever else is in the gallery.

    So a gallery that has grown since an export still judges by cards that the export did not calibrate on.

    Args:
        sha256: Of the picture, in hex; a quarter of all are for calibrating.
    """
    return sha256[0] in "0123"
