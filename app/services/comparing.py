"""Compares one crop with reference pictures: which picture it is, and which printing of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import structlog

from app.domain.errors import InvalidInput
from app.domain.ranking import RankedCard, Ranking
from app.domain.reranking import Agreement, with_agreements, with_twins
from app.domain.types import RgbImage, StoredImage
from app.vision.alignment import Homography, align, warp_onto
from app.vision.local_features import (
    FEATURES_SIZE_PX,
    Affine,
    GrayPicture,
    gray_picture,
    match_patches,
    read_features,
)
from app.vision.printings import COMPARED_SIZE_PX, Planes, compare_printings, compared_reference
from app.vision.stored import decode_reference

#: Reference pictures of one artwork group whose features are compared; others look the same.
_MOST_FEATURES = 3
#: Photos that people named, likewise.
_MOST_PHOTOS = 4
#: What the agreement with a photo counts of that with a picture: photos are more looks at strangers, and the
#: best of them must not agree better than what confidences were fitted on (docs/experiments.md, 46).
_PHOTO_WORTH = 0.8
#: Pictures are laid on each other at twice the size at which they are compared, and shrunk by area then: the
#: first one was shrunk so too, and one that is resampled otherwise differs from it all over.
LAID_SIZE_PX = (2 * COMPARED_SIZE_PX[0], 2 * COMPARED_SIZE_PX[1])
#: Pictures that agree so well with each other are the same, whatever the gallery's groups say: of the most
#: alike of different pictures one in a thousand reaches 0.68 (docs/experiments.md).
TWIN_AGREEMENT = 0.72
#: Where the next scan of a card most likely lies on the first.
_IN_PLACE: Affine = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, slots=True)
class Verified:
    """One crop after its leading pictures were compared with it.

    Attributes:
        ranking: Pictures ranked anew.
        affine: How the leader's reference lies in the crop, in pixels of its features; None where nothing
            is known of that.
    """

    ranking: Ranking
    affine: Affine | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What one crop says about the leading pictures, by artwork group.

    Attributes:
        agreements: How well each agrees.
        of_pictures: How well the gallery's own pictures of each do, where photos were compared as well.
        affines: How each lies in the crop, where enough patches agree.
        twins: Groups whose picture is that of the group that agrees best, and this one.
        shown: The picture of each that agrees best.
    """

    agreements: dict[int, Agreement]
    affines: dict[int, Affine]
    twins: dict[int, int]
    of_pictures: Mapping[int, Agreement] = field(default_factory=dict)
    shown: Mapping[int, GrayPicture] = field(default_factory=dict)

    def without_photos(self, groups: Container[int]) -> Compared:
        """What pictures alone say about some of the artwork groups."""
        kept = {group: one for group, one in self.of_pictures.items() if group in groups}
        return replace(self, agreements=kept, twins=_twins(kept, self.shown))


@dataclass(frozen=True, slots=True)
class LaidPrintings:
    """A crop and the printings of its picture, all as they lie on the first printing.

    Attributes:
        pictures: The printings by card id, RGB uint8 of any size.
        planes: The same, evened out.
        to_crop: From places on the first printing to places in the crop, both as shares of width and height.
    """

    pictures: Mapping[str, RgbImage]
    planes: Mapping[str, Planes]
    to_crop: Homography


def compare_pictures(
    crop: RgbImage,
    leading: Sequence[RankedCard],
    features: Mapping[str, tuple[bytes, ...]],
    learnt: Mapping[str, tuple[bytes, ...]] | None = None,
) -> Compared:
    """Looks for each leading picture in a crop.

    Args:
        crop: Upright, RGB uint8.
        leading: Cards of these pictures, best first.
        features: Of the cards' reference pictures.
        learnt: Of crops that people named: photos of these cards, which show what photos do to the picture.
    """
    seen = gray_picture(crop, FEATURES_SIZE_PX)
    pictures: dict[int, list[GrayPicture]] = {}
    photos: dict[int, list[GrayPicture]] = defaultdict(list)
    for one in leading:
        some = pictures.setdefault(one.artwork_group_id, [])
        if not some:  # of one printing: the others look the same
            some.extend(_readable(features.get(one.card.card_id, ())[:_MOST_FEATURES]))
        if learnt:
            photos[one.artwork_group_id].extend(_readable(learnt.get(one.card.card_id, ())))
    agreements: dict[int, Agreement] = {}
    of_pictures: dict[int, Agreement] = {}
    affines: dict[int, Affine] = {}
    shown: dict[int, GrayPicture] = {}
    for group, some in pictures.items():
        if not some:
            continue
        found = [(match_patches(seen, one), one) for one in some]
        best, shown[group] = max(found, key=lambda pair: pair[0].agreement)
        if best.affine is not None:
            affines[group] = best.affine  # of the picture: a photo is not cut to the card's edges
        of_pictures[group] = Agreement(best.inliers, best.agreement, best.agreement)
        looks = [of_pictures[group]]
        for photo in photos[group][:_MOST_PHOTOS]:
            match = match_patches(seen, photo)
            looks.append(Agreement(match.inliers, _PHOTO_WORTH * match.agreement, best.agreement))
        agreements[group] = max(looks, key=lambda look: look.agreement)
    return Compared(agreements, affines, _twins(agreements, shown), of_pictures, shown)


def _twins(agreements: Mapping[int, Agreement], shown: Mapping[int, GrayPicture]) -> dict[int, int]:
    if not agreements:
        return {}
    best = max(agreements, key=lambda group: agreements[group].agreement)
    likely = [
        group
        for group, one in agreements.items()
        if group != best and one.agreement > 0.6 * agreements[best].agreement
    ]
    return {
        group: best
        for group in likely
        if match_patches(shown[best], shown[group]).agreement >= TWIN_AGREEMENT
    }


def ranked_anew(ranking: Ranking, compared: Compared, worth: float) -> Verified:
    """Ranks pictures by what a comparison gave, where an agreement of 1 is worth this similarity."""
    if ranking.best is not None and ranking.best.artwork_group_id not in compared.agreements:
        return Verified(ranking)
    counted = {group: one for group, one in compared.agreements.items() if group not in compared.twins}
    joined = with_twins(ranking, compared.twins)
    anew = with_agreements(joined, counted, worth, compared=len(compared.agreements))
    best = anew.best
    return Verified(anew, compared.affines.get(best.artwork_group_id) if best is not None else None)


def lay_printings(
    crop: RgbImage,
    affine: Affine,
    printings: Sequence[RankedCard],
    pictures: Mapping[str, StoredImage],
) -> LaidPrintings | None:
    """Lays a crop and the printings of its picture on each other; None where that cannot be done."""
    references: dict[str, RgbImage] = {}
    for one in printings:
        stored = pictures.get(one.card.card_id)
        if stored is None:
            continue
        try:
            references[one.card.card_id] = decode_reference(stored.data)
        except InvalidInput:
            continue
    if len(references) < 2:
        return None
    first = next(iter(references.values()))
    alignment = align(crop, first, affine, FEATURES_SIZE_PX)
    if alignment is None:
        return None
    laid = {card_id: laid_on(first, one) for card_id, one in references.items()}
    planes = {card_id: compared_reference(one) for card_id, one in laid.items()}
    return LaidPrintings(laid, planes, alignment.to_crop)


def differences_of(crop: RgbImage, laid: LaidPrintings | None) -> dict[str, float]:
    """How far each printing is beyond the nearest, by card id; empty where they cannot be compared."""
    if laid is None:
        return {}
    aligned = warp_onto(crop, laid.to_crop, LAID_SIZE_PX)
    differences = compare_printings(aligned, list(laid.planes.values()))
    return {} if differences is None else dict(zip(laid.planes, map(float, differences), strict=True))


def laid_on(first: RgbImage, other: RgbImage) -> RgbImage:
    """Another reference as it lies on the first: two scans of one picture are never cut alike.

    One of another frame stays as it is: it differs from the first all over.
    """
    if other is first:
        return first
    alignment = align(other, first, _IN_PLACE, FEATURES_SIZE_PX)
    if alignment is None:  # beyond the reach of the fine patches
        found = match_patches(gray_picture(other, FEATURES_SIZE_PX), gray_picture(first, FEATURES_SIZE_PX))
        alignment = None if found.affine is None else align(other, first, found.affine, FEATURES_SIZE_PX)
    return other if alignment is None else warp_onto(other, alignment.to_crop, LAID_SIZE_PX)


def _readable(stored: Sequence[bytes]) -> list[GrayPicture]:
    pictures = []
    for data in stored:
        try:
            pictures.append(read_features(data))
        except ValueError as error:
            structlog.get_logger().warning("features_unreadable", reason=str(error))
    return pictures
