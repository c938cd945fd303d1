"""Says why cards were named so: looks again at the stored crops, this time to show what was seen.

It is no part of naming them: it begins when the answer is stored, has time of its own, and what it does not
get to has no explanation. The crops are the stored ones, so that an answer that is given again has the same
explanation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.errors import InvalidInput
from app.domain.explanation_types import Explanation, PatchPair, Place, PrintingDifference, Region
from app.domain.ports import References, ScanStore
from app.domain.types import RECTIFIED_HEIGHT_PX, Identification, RgbImage, StoredImage
from app.services.comparing import LAID_SIZE_PX, laid_on
from app.services.time_left import Clock, in_time
from app.services.verification import Beside
from app.vision.alignment import Alignment, align, warp_onto
from app.vision.local_features import FEATURES_SIZE_PX, PatchMatch, gray_picture, match_patches
from app.vision.printings import compared_crop, compared_reference
from app.vision.regions import DifferenceBox, difference_boxes
from app.vision.stored import decode_reference

#: Printings that the leading one is told apart from.
MOST_OTHERS = 3
#: For all cards of a scan: forty cards take half of it.
BUDGET_MS = 8_000.0
#: Of the time that a request has left: an answer that is there must not be lost to its explanation.
_SHARE_OF_LEFT = 0.7


class Explainer:
    """Explains the cards of stored scans.

    Args:
        references: Reference pictures.
        scans: Where the crops lie.
        budget_ms: For all cards of a scan together, at most.
    """

    def __init__(self, references: References, scans: ScanStore, budget_ms: float = BUDGET_MS) -> None:
        self._references = references
        self._scans = scans
        self._budget_ms = budget_ms

    async def explain(
        self, cards: Sequence[Identification], beside: Beside, left_ms: float
    ) -> tuple[Identification, ...]:
        """The same answers, each with its explanation.

        Args:
            cards: Answers of a scan that is stored.
            beside: Runs pixel work beside the event loop.
            left_ms: When the whole request must be answered, from now on.

        Returns:
            None for the explanation where nothing was found, nothing is stored to compare, or time was over.
        """
        clock = Clock(min(self._budget_ms, _SHARE_OF_LEFT * left_ms))
        explained = []
        for card in cards:
            explanation = await self._explain(card, clock, beside) if card.candidates else None
            explained.append(replace(card, explanation=explanation))
        return tuple(explained)

    async def _explain(self, card: Identification, clock: Clock, beside: Beside) -> Explanation | None:
        compared = _compared(card)
        crops = await in_time(clock, self._crops, [str(card.detection_id)])
        pictures = await in_time(clock, self._references.pictures_of, compared)
        if clock.is_over() or not crops:
            return None
        return await beside(explain_crop, crops[str(card.detection_id)], compared, pictures)

    async def _crops(self, detection_ids: Sequence[str]) -> dict[str, StoredImage]:
        found = {one: await self._scans.detection_image(UUID(one)) for one in detection_ids}
        return {one: image for one, image in found.items() if image is not None}


def explain_crop(
    stored: StoredImage, compared: Sequence[str], pictures: Mapping[str, StoredImage]
) -> Explanation | None:
    """Compares one crop with the leading printing, and that with the next likely ones.

    Args:
        stored: The rectified card, the right way up.
        compared: Card ids: the leading printing, then other printings of its picture, the likeliest first.
        pictures: Reference pictures by card id; printings without one are passed over.

    Returns:
        None where the leading printing has no picture that can be read.
    """
    references = _decoded(compared, pictures)
    leader = references.pop(compared[0], None)
    if leader is None:
        return None
    crop = decode_reference(stored.data, RECTIFIED_HEIGHT_PX)
    match = match_patches(gray_picture(crop, FEATURES_SIZE_PX), gray_picture(leader, FEATURES_SIZE_PX))
    alignment = None if match.affine is None else align(crop, leader, match.affine, FEATURES_SIZE_PX)
    differences = _differences(crop, alignment, leader, references) if references else ()
    return Explanation(compared[0], _pairs(match), differences)


def _compared(card: Identification) -> list[str]:
    """The leading printing, and the next likely ones of its picture."""
    leader, *others = card.candidates
    same = [one.card.card_id for one in others if one.artwork_group_id == leader.artwork_group_id]
    doubtful = [one for one in card.ambiguous_with if one != leader.card.card_id]
    return [leader.card.card_id, *list(dict.fromkeys([*same, *doubtful]))[:MOST_OTHERS]]


def _decoded(card_ids: Sequence[str], pictures: Mapping[str, StoredImage]) -> dict[str, RgbImage]:
    decoded = {}
    for card_id in card_ids:
        try:
            if card_id in pictures:
                decoded[card_id] = decode_reference(pictures[card_id].data)
        except InvalidInput:
            continue
    return decoded


def _pairs(match: PatchMatch) -> tuple[PatchPair, ...]:
    height, width = FEATURES_SIZE_PX
    places = np.clip(match.places / (width, height), 0.0, 1.0)
    found = np.clip(match.found / (width, height), 0.0, 1.0)
    pairs = [
        PatchPair(
            _place(places[index]),
            _place(found[index]),
            min(1.0, float(match.correlations[index])),
            bool(match.together[index]),
        )
        for index in np.flatnonzero(match.likely)
    ]
    return tuple(sorted(pairs, key=lambda pair: (not pair.together, -pair.correlation)))


def _differences(
    crop: RgbImage, alignment: Alignment | None, leader: RgbImage, others: Mapping[str, RgbImage]
) -> tuple[PrintingDifference, ...]:
    first = compared_reference(leader)
    shown = None
    if alignment is not None:
        shown = compared_crop(warp_onto(crop, alignment.to_crop, LAID_SIZE_PX))
    return tuple(
        PrintingDifference(
            card_id,
            tuple(
                _region(one, alignment)
                for one in difference_boxes(first, compared_reference(laid_on(leader, other)), shown)
            ),
        )
        for card_id, other in others.items()
    )


def _region(found: DifferenceBox, alignment: Alignment | None) -> Region:
    if alignment is None:
        return Region(found.box, None, found.share, found.favours)
    left, top, right, bottom = found.box
    corners = np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]])
    moved = np.clip(cv2.perspectiveTransform(corners, alignment.to_crop)[0], 0.0, 1.0)
    first, second, third, fourth = (_place(corner) for corner in moved)
    return Region(found.box, (first, second, third, fourth), found.share, found.favours)


def _place(point: NDArray[np.floating]) -> Place:
    return float(point[0]), float(point[1])
