"""Reads what tells the printings of a picture apart: numbers, sets' codes and names, where these differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.ranking import RankedCard
from app.domain.reading_evidence import Reading, TextReader, Verdict, judge, tells_apart
from app.domain.types import Card, RgbImage
from app.services.comparing import LaidPrintings
from app.vision.alignment import Homography
from app.vision.text_strips import Box, cut_strip, differing_lines, may_be_read

#: Lines read off one card: a number, and where it stands in two places the other, or a name.
MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class CardLines:
    """Where to read one card.

    Attributes:
        cards: Its printings.
        boxes: Lines of print on the first printing.
        to_crop: From places there to places in the crop, both as shares of width and height.
    """

    cards: tuple[Card, ...]
    boxes: tuple[Box, ...]
    to_crop: Homography


class CardTexts:
    """Finds and reads lines of print.

    Args:
        reader: Reads one line each.
    """

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader

    def lines_of(self, laid: LaidPrintings, printings: Sequence[RankedCard]) -> CardLines | None:
        """Where the printings differ in print; None where no text could tell them apart.

        Args:
            laid: Those that were compared.
            printings: All that are in question: a number also speaks for one that was not compared.
        """
        cards = tuple(one.card for one in printings)
        if not tells_apart(cards):
            return None
        boxes = differing_lines(list(laid.pictures.values()), list(laid.planes.values()), MOST_LINES)
        return CardLines(cards, tuple(boxes), laid.to_crop) if boxes else None

    def read(self, crop: RgbImage, lines: CardLines) -> list[Reading]:
        """Reads a card, upright, RGB uint8 (height, width, 3) of any size: the larger, the better."""
        strips = [cut_strip(crop, lines.to_crop, box) for box in lines.boxes]
        return self._reader([strip for strip in strips if may_be_read(strip)])

    def judge(self, crop: RgbImage, lines: CardLines) -> dict[str, Verdict]:
        """What the text on a card says about each printing; the crop as for ``read``."""
        return judge(self.read(crop, lines), lines.cards)
