"""What text read off a card is worth, fitted on looks whose printing is open; needs the extra `ocr`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.domain.calibration import Calibration
from app.domain.ranking import with_texts
from app.domain.reading_evidence import TextReader, Verdict
from app.inference.text_reader import OpenVinoTextReader, find_recogniser
from app.services.card_text import CardTexts
from app.services.comparing import Compared, lay_printings
from app.services.verification import MOST_PRINTINGS
from app.vision.stored import decode_reference
from models.training.looks import Look, Photos

#: Looks on which some text spoke, at least, for a weight at all.
LEAST_READ = 30
#: What a verdict may be worth: printings become e to this power likelier.
_NATS = np.linspace(0.0, 5.0, 51)


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

    @property
    def spoke(self) -> bool:
        """Whether the text told any of the printings from another."""
        return any(one is not Verdict.SILENT for one in self.verdicts.values())


def weigh_text(
    title: str, checked: Calibration, photos: Photos, verified: Sequence[Look], compared: Sequence[Compared]
) -> Calibration:
    """The same constants with what text is worth; thresholds stay, for they hold without a reader too.

    Fits on one half of the artworks and prints what the other half read. Where no reader is installed, text
    is worth nothing.
    """
    path = find_recogniser()
    if path is None:
        print(f"{title}: the extra `ocr` is not installed; `standing_text` stays 0")
        return checked
    read = read_looks(photos, verified, compared, checked, OpenVinoTextReader(path))
    print(f"{title}, read: {report_text([one for one in read if one.look.artwork % 2])}")
    weight = fit_text(checked, [one for one in read if not one.look.artwork % 2])
    print(f"{title}: standing_text {weight}")
    return replace(checked, standing_text=weight)


def read_looks(
    photos: Photos,
    looks: Sequence[Look],
    compared: Sequence[Compared],
    calibration: Calibration,
    reader: TextReader,
) -> list[ReadLook]:
    """Reads the cards whose printing is open, as the service does.

    Args:
        photos: What the looks were at.
        looks: Verified ones.
        compared: Of each look what the comparison with the leading pictures gave.
        calibration: Says which are open.
        reader: Reads one line each.
    """
    pictures = {card.card.card_id: image for card, image in zip(photos.cards, photos.pictures, strict=True)}
    texts, found = CardTexts(reader), []
    for look, one in zip(looks, compared, strict=True):
        best = look.ranking.best
        affine = one.affines.get(best.artwork_group_id) if best is not None else None
        if affine is None or not calibration.is_open(look.ranking):
            continue
        members = look.ranking.members()[:MOST_PRINTINGS]
        crop = decode_reference(photos.closeups[look.photo].data)
        laid = lay_printings(crop, affine, members, pictures)
        lines = None if laid is None else texts.lines_of(laid, members)
        if lines is not None:
            found.append(ReadLook(look, texts.judge(crop, lines)))
    return found


def fit_text(calibration: Calibration, read: Sequence[ReadLook]) -> float:
    """``Calibration.standing_text`` under which the right printings are likeliest.

    One look more than there are counts as one on which the text spoke for the wrong one of two printings: a
    reader that never erred here may err yet. 0 where text spoke on fewer than ``LEAST_READ``.
    """
    spoken = [one for one in read if one.spoke and one.own is not None]
    if len(spoken) < LEAST_READ:
        return 0.0
    temperature = calibration.compared_temperature or calibration.printing_temperature
    losses = []
    for nats in _NATS:
        weighed = replace(calibration, standing_text=float(nats) * temperature)
        wrong = math.log1p(math.exp(2 * float(nats)))
        losses.append(wrong + sum(_loss(weighed, one) for one in spoken))
    return round(float(_NATS[int(np.argmin(losses))]) * temperature, 4)


def report_text(read: Sequence[ReadLook]) -> dict[str, float]:
    """How often text was read, and what it said about the printing that the photo shows."""
    counted = Counter(one.own for one in read if one.own is not None)
    return {
        "open_and_read": len(read),
        **{f"own_printing_{verdict}": counted[verdict] for verdict in Verdict},
    }


def _loss(calibration: Calibration, read: ReadLook) -> float:
    """Negative logarithm of the share of the printing that the photo shows."""
    ranking = with_texts(read.look.ranking, read.verdicts, calibration.standing)
    members = ranking.members()
    own = next(place for place, one in enumerate(members) if one.card.card_id == read.look.card_id)
    return -math.log(max(calibration.printing_shares(ranking, len(members))[own], 1e-12))
