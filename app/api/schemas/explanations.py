"""Why a card was named so, on the wire: places to point at on the crop and on the reference picture."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.base import Probability, Strict
from app.domain.explanation_types import Explanation, PatchPair, Place, PrintingDifference, Region
from app.services.explaining import MOST_OTHERS
from app.vision.local_features import COARSE_GRID
from app.vision.regions import MOST_REGIONS

SharePoint = Annotated[
    list[Probability],
    Field(min_length=2, max_length=2, description="[x, y] as shares of width and height"),
]
Signed = Annotated[float, Field(ge=-1, le=1)]


class PatchModel(Strict):
    """A patch of the reference picture, found again in the crop."""

    on_reference: SharePoint
    in_crop: SharePoint
    correlation: Signed = Field(description="how well it fits there")
    together: bool = Field(description="whether it moves with the others, as the inliers of a candidate do")

    @classmethod
    def of(cls, pair: PatchPair) -> PatchModel:
        """From the domain."""
        return cls(
            on_reference=_point(pair.on_reference),
            in_crop=_point(pair.in_crop),
            correlation=_rounded(pair.correlation),
            together=pair.together,
        )


class BoxModel(Strict):
    """A box on the reference picture, as shares of its width and height."""

    left: Probability
    top: Probability
    right: Probability
    bottom: Probability


class RegionModel(Strict):
    """A place where two printings differ."""

    box: BoxModel
    in_crop: list[SharePoint] | None = Field(
        min_length=4,
        max_length=4,
        description="corners of the box in the crop, clockwise from its top left; null where the crop could "
        "not be laid on the reference",
    )
    share: Probability = Field(description="how much of the whole difference of the two lies here")
    favours: Signed | None = Field(
        description="what the crop shows here: 1 the leading printing, -1 the other one, 0 neither; null "
        "where the crop could not be laid on the reference"
    )

    @classmethod
    def of(cls, region: Region) -> RegionModel:
        """From the domain."""
        left, top, right, bottom = map(_rounded, region.box)
        return cls(
            box=BoxModel(left=left, top=top, right=right, bottom=bottom),
            in_crop=None if region.in_crop is None else [_point(corner) for corner in region.in_crop],
            share=_rounded(region.share),
            favours=None if region.favours is None else _rounded(region.favours),
        )


class DifferenceModel(Strict):
    """How the leading printing differs from another printing of its picture."""

    card_id: str = Field(description="the other printing")
    regions: list[RegionModel] = Field(
        max_length=MOST_REGIONS, description="the largest difference first; none where no place stands out"
    )

    @classmethod
    def of(cls, difference: PrintingDifference) -> DifferenceModel:
        """From the domain."""
        return cls(
            card_id=difference.card_id, regions=[RegionModel.of(region) for region in difference.regions]
        )


class ExplanationModel(Strict):
    """What speaks for the first of the candidates, in places that can be shown.

    Those on the reference lie on the first picture of the card (``GET /cards/{card_id}/image``), those in the
    crop on the rectified card the right way up (``GET /detections/{detection_id}/image``), which may be cut a
    little otherwise than ``quad`` says: that follows the reference where one was found.
    """

    card_id: str = Field(description="the first of the candidates")
    patches: list[PatchModel] = Field(
        max_length=COARSE_GRID.rows * COARSE_GRID.columns,
        description="patches of its picture found in the crop: first those that move together, best first",
    )
    differences: list[DifferenceModel] = Field(
        max_length=MOST_OTHERS,
        description="from the next likely printings of its picture, the likeliest first",
    )

    @classmethod
    def of(cls, explanation: Explanation) -> ExplanationModel:
        """From the domain."""
        return cls(
            card_id=explanation.card_id,
            patches=[PatchModel.of(pair) for pair in explanation.patches],
            differences=[DifferenceModel.of(one) for one in explanation.differences],
        )


def _rounded(value: float) -> float:
    """To four decimals: a tenth of a pixel of any crop."""
    return round(float(value), 4)


def _point(place: Place) -> list[float]:
    return [_rounded(place[0]), _rounded(place[1])]
