"""Pictures of cards to judge a quantised encoder by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.domain.types import RgbImage

SampleSource = Literal["gallery", "files", "invented", "mixed"]

#: As many as an agreement of 99.5 % takes to mean something: two of 400 may differ.
JUDGED_PICTURES = 400


@dataclass(frozen=True, slots=True)
class CardSample:
    """Clean pictures of different cards.

    Attributes:
        source: Whose they are; ``mixed`` where invented cards made up the number.
        pictures: RGB uint8 (height, width, 3) each.
    """

    source: SampleSource
    pictures: tuple[RgbImage, ...]
