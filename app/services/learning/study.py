"""What a correction's crop shows, by the gallery's own pictures alone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import numpy as np
import structlog

from app.domain.calibration import Calibrations
from app.domain.errors import InvalidInput, SearchTimeout, Unavailable
from app.domain.learning_port import LearningStore
from app.domain.learning_types import Answered, CorrectionToStudy, Findings, Support
from app.domain.ports import Encoder, Gallery, References
from app.domain.ranking import AGREEMENT_BY_CHANCE, RankedCard, Ranking, rank
from app.domain.types import CardFilter, RgbImage, Status, TemplateSource, Vectors
from app.services.comparing import compare_pictures
from app.services.matching import Match
from app.services.verification import Verifier
from app.settings import Settings
from app.vision.decode import decode_image
from app.vision.local_features import make_features
from app.vision.quality import unfit_to_learn

#: A card is plausible where its picture agrees with the crop at all: what agrees less, agrees by chance.
#: ``python -m benchmarks.learning.backing`` tells right names, look-alikes and names at random apart by these
#: three numbers (docs/experiments.md, 51).
BACKING_AGREEMENT = 0.07
#: And where no other picture agrees much better, in nats as ``Ranking.agreement_lead``; a card that the
#: gallery does not find for the crop has to lead.
BACKING_LEAD, BACKING_LEAD_OF_STRANGERS = -0.05, 0.08
#: A printing of the right picture that is less likely than this is opposed by the crop.
_RULED_OUT_SHARE = 0.02

P = ParamSpec("P")
T = TypeVar("T")


async def _in_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.to_thread(work, *args, **kwargs)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a crop says about the card that was named for it.

    Attributes:
        agreement: Of the card's own picture with the crop, 0 where it has no features.
        lead_nats: Logarithm of how many times better it agrees than the best other picture.
        is_found: Whether a template of the picture is among those that the gallery finds for the crop.
        is_compared: Whether the pictures that the gallery finds were compared with the crop at all.
    """

    agreement: float
    lead_nats: float
    is_found: bool
    is_compared: bool


class Student:
    """Studies crops, one at a time.

    Args:
        settings: How many templates are searched, and how large a stored picture may be.
        encoder: Of the service.
        gallery: What its own pictures say.
        references: Pictures and features to compare with.
        calibrations: When an answer is sure.
        store: What only learning asks of the gallery.
    """

    #: Nobody waits for it as for a scan; the comparison of one card takes a tenth of this.
    _BUDGET_MS = 3000.0

    def __init__(
        self,
        settings: Settings,
        encoder: Encoder,
        gallery: Gallery,
        references: References,
        calibrations: Calibrations,
        store: LearningStore,
    ) -> None:
        self._settings = settings
        self._encoder = encoder
        self._gallery = gallery
        self._references = references
        self._calibrations = calibrations
        self._store = store
        self._verifier = Verifier(references, calibrations, self._BUDGET_MS, learnt=False)

    async def study(self, correction: CorrectionToStudy) -> Findings:
        """What the crop shows. Whatever is wrong with the crop itself is a finding, not an error.

        Raises:
            Unavailable: it can be done later.
            SearchTimeout: likewise, when the database is less slow.
        """
        try:
            return await self._study(correction)
        except (Unavailable, SearchTimeout):
            raise
        except InvalidInput as error:
            return self._nothing(f"its picture cannot be read: {error}")
        except Exception:  # one correction must not hold all later ones up for ever
            structlog.get_logger().exception("study_failed", correction=str(correction.correction_id))
            return self._nothing("it could not be studied; the log says why")

    def _nothing(self, complaint: str) -> Findings:
        somewhere = np.zeros(self._encoder.info.dimension, np.float32)
        somewhere[0] = 1.0
        return Findings(somewhere, complaint)

    async def _study(self, correction: CorrectionToStudy) -> Findings:
        if correction.crop is None:
            return self._nothing("its picture has been deleted")
        crop = await asyncio.to_thread(self._decode, correction.crop.data)
        complaint = await asyncio.to_thread(unfit_to_learn, crop)
        vectors = await self._encoder.encode([crop, np.ascontiguousarray(crop[::-1, ::-1])])
        card_id = correction.card_id
        own = [-1.0, -1.0] if card_id is None else await self._store.own_similarities(vectors, card_id)
        rankings = await self._rankings(vectors)
        way = self._way_up(own, rankings)
        ranking = await self._verified(crop, rankings[way], upside_down=way == 1)
        upright = np.ascontiguousarray(crop[::-1, ::-1]) if way == 1 else crop
        alone = await self._answer(ranking)
        if card_id is None:
            support, rival = self._of_no_card(ranking)
            return Findings(vectors[way], complaint, support, rival, alone=alone)
        group = (await self._gallery.artwork_groups_of([card_id])).get(card_id)
        if group is None:
            return Findings(vectors[way], "the card has been removed from the gallery", alone=alone)
        support, rival = await self._of_card(upright, ranking, card_id, group)
        others = [one.similarity for one in ranking.cards if one.artwork_group_id != group]
        best = ranking.best
        return Findings(
            encoded=vectors[way],
            complaint=complaint,
            support=support,
            rival=rival,
            own_similarity=own[way],
            rival_similarity=max(others, default=-1.0),
            taken_from=await self._store.views_taken(vectors[way], group),
            surprises=best is None or best.card.card_id != card_id,
            features=await asyncio.to_thread(make_features, upright),
            alone=alone,
        )

    def _decode(self, data: bytes) -> RgbImage:
        return decode_image(data, max_upload_bytes=len(data), max_pixels=self._settings.max_image_pixels)

    async def _rankings(self, vectors: Vectors) -> list[Ranking]:
        rankings = []
        for vector in vectors:
            hits = await self._gallery.search(
                vector[None], self._settings.retrieval_topk, CardFilter(), learnt=False
            )
            rankings.append(rank(hits))
        return rankings

    def _way_up(self, own: list[float], rankings: list[Ranking]) -> int:
        """0 as it was stored, 1 turned round: what is more like the card named, or like any."""
        if max(own) > -1.0:
            return int(own[1] > own[0])
        seen = [self._calibrations.of(one).card_probability(one) for one in rankings]
        return int(seen[1] > seen[0])

    async def _verified(self, crop: RgbImage, ranking: Ranking, *, upside_down: bool) -> Ranking:
        matches, _ = await self._verifier.verify([crop], [Match(ranking, upside_down)], _in_thread)
        return matches[0].ranking

    async def _answer(self, ranking: Ranking) -> Answered:
        """What the gallery says without anything learnt."""
        best = ranking.best
        if best is None:
            return Answered(None, None, Status.UNKNOWN, 0.0, 0.0)
        group = best.artwork_group_id
        siblings = (await self._gallery.group_members([group], CardFilter())).get(group, [])
        size = len({*siblings, *(one.card.card_id for one in ranking.members())})
        calibration = self._calibrations.of(ranking)
        sure = calibration.confidence(ranking, size)
        return Answered(best.card.card_id, group, calibration.status(sure), sure.card, sure.printing)

    def _of_no_card(self, ranking: Ranking) -> tuple[Support, str | None]:
        """Whether the gallery is sure of a card where a person says that there is none."""
        calibration = self._calibrations.of(ranking)
        best = ranking.best
        sure = best is not None and calibration.card_probability(ranking) >= calibration.accept_card
        if sure and best is not None:
            return Support.OPPOSED, _title(best)
        return Support.BACKED, None

    async def _of_card(
        self, upright: RgbImage, ranking: Ranking, card_id: str, group: int
    ) -> tuple[Support, str | None]:
        calibration = self._calibrations.of(ranking)
        best = ranking.best
        if best is not None and best.artwork_group_id != group:
            if calibration.card_probability(ranking) >= calibration.accept_card:
                return Support.OPPOSED, _title(best)
        elif best is not None and best.card.card_id != card_id:
            members = ranking.members()
            shares = calibration.printing_shares(ranking, len(members))
            named = [share for one, share in zip(members, shares, strict=True) if one.card.card_id == card_id]
            if named and named[0] < _RULED_OUT_SHARE:
                return Support.OPPOSED, _title(best)
        evidence = await self.evidence(upright, ranking, card_id, group)
        return (Support.BACKED if backs(evidence) else Support.UNBACKED), None

    async def evidence(self, upright: RgbImage, ranking: Ranking, card_id: str, group: int) -> Evidence:
        """How well the picture of the card that was named agrees with a crop, beside those of others."""
        agreement = await self._agreement(upright, card_id, group)
        others = (one.agreement or 0.0 for one in ranking.cards if one.artwork_group_id != group)
        rival = max(others, default=0.0)
        return Evidence(
            agreement,
            math.log(agreement + AGREEMENT_BY_CHANCE) - math.log(rival + AGREEMENT_BY_CHANCE),
            any(one.artwork_group_id == group for one in ranking.cards),
            ranking.verified,
        )

    async def _agreement(self, upright: RgbImage, card_id: str, group: int) -> float:
        """How well the card's own picture agrees with the crop, 0 where it has no features."""
        card = await self._gallery.get_card(card_id)
        features = await self._references.features_of([card_id])
        if card is None or card_id not in features:
            return 0.0
        named = RankedCard(card, group, 0.0, TemplateSource.OFFICIAL)
        compared = await asyncio.to_thread(compare_pictures, upright, [named], features)
        found = compared.agreements.get(group)
        return 0.0 if found is None else found.agreement


def backs(
    evidence: Evidence,
    agreement: float = BACKING_AGREEMENT,
    lead_nats: float = BACKING_LEAD,
    lead_of_strangers_nats: float = BACKING_LEAD_OF_STRANGERS,
) -> bool:
    """Whether a crop speaks for the card that was named, by these bounds."""
    if not evidence.is_found and not evidence.is_compared:
        return False  # nothing that it could lead was looked at
    least = lead_nats if evidence.is_found else lead_of_strangers_nats
    return evidence.agreement >= agreement and evidence.lead_nats >= least


def _title(one: RankedCard) -> str:
    return f"{one.card.name} ({one.card.card_id})"
