"""What text read off a card is worth, fitted on photos of known cards; needs the extra `ocr`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.calibration import Calibration
from app.domain.reading_evidence import TextReader, Verdict
from app.inference.text_reader import OpenVinoTextReader, find_recogniser
from app.services.card_text import CardTexts
from app.services.comparing import Compared, lay_printings
from app.services.verification import MOST_PRINTINGS
from app.vision.stored import decode_reference
from models.training.looks import Look, Photos

#: Looks on which some text spoke for the printing shown or against it, at least, for a weight at all.
LEAST_READ = 30
#: The most that a verdict is worth: a printing that the text agrees with becomes e to twice this power
#: likelier than one that it contradicts, 148 times.
MOST_NATS = 2.5


@dataclass(frozen=True, slots=True)
class ReadLook:
    """A look whose card was read.

    Attributes:
        look: Verified, without what was read.
        verdicts: By card id.
    """

    look: Look
    verdicts: Mapping[str, Verdict]

    @property
    def own(self) -> Verdict | None:
        """What the text says about the printing that the photo shows; None where it is not among them."""
        return None if self.look.masked else self.verdicts.get(self.look.card_id)


def weigh_text(
    title: str, checked: Calibration, photos: Photos, verified: Sequence[Look], compared: Sequence[Compared]
) -> Calibration:
    """The same constants with what text is worth; thresholds stay, for they hold without a reader too.

    Where no reader is installed, text is worth nothing.
    """
    path = find_recogniser()
    if path is None:
        print(f"{title}: the extra `ocr` is not installed; `text_nats` stays 0")
        return checked
    read = read_looks(photos, verified, compared, OpenVinoTextReader(path))
    print(f"{title}, read: {report_text(read)}")
    weight = fit_text(read)
    print(f"{title}: text_nats {weight}")
    return replace(checked, text_nats=weight)


def read_looks(
    photos: Photos, looks: Sequence[Look], compared: Sequence[Compared], reader: TextReader
) -> list[ReadLook]:
    """Reads every known card whose picture was found, as the service reads those whose printing is open.

    Those are few, and hardly one of them is legible: differences have decided where print can be read.

    Args:
        photos: What the looks were at.
        looks: Verified ones.
        compared: Of each look what the comparison with the leading pictures gave.
        reader: Reads one line each.
    """
    pictures = {card.card.card_id: image for card, image in zip(photos.cards, photos.pictures, strict=True)}
    texts, found = CardTexts(reader), []
    for look, one in zip(looks, compared, strict=True):
        best = look.ranking.best
        affine = one.affines.get(best.artwork_group_id) if best is not None else None
        if affine is None or look.masked or not look.artwork_right:
            continue
        members = look.ranking.members()
        crop = decode_reference(photos.closeups[look.photo].data)
        laid = lay_printings(crop, affine, members[:MOST_PRINTINGS], pictures)
        lines = None if laid is None else texts.lines_of(laid, members)
        if lines is not None:
            found.append(ReadLook(look, texts.judge(crop, lines)))
    return found


def fit_text(read: Sequence[ReadLook]) -> float:
    """``Calibration.text_nats``: the logarithm of how much oftener text is right than wrong.

    A reader that never erred here may err yet, so one look more than there are counts as wrong, and no more
    than ``MOST_NATS`` is believed. 0 where text spoke on fewer than ``LEAST_READ``.
    """
    said = Counter(one.own for one in read)
    right, wrong = said[Verdict.AGREES], said[Verdict.CONTRADICTS]
    if right + wrong < LEAST_READ:
        return 0.0
    # Verdicts for and against lie twice the weight apart.
    return round(min(MOST_NATS, max(0.0, 0.5 * math.log((right + 1) / (wrong + 1)))), 4)


def report_text(read: Sequence[ReadLook]) -> dict[str, int]:
    """What text said about the printing that the photo shows, and how often."""
    counted = Counter(one.own for one in read if one.own is not None)
    return {str(verdict): counted[verdict] for verdict in Verdict}
