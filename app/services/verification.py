"""Compares crops with the reference pictures of the best candidates: is it that picture, and which printing?

Two looks. The first finds patches of the leading pictures in the crop and ranks the pictures anew. The
second lays the crop on the reference and compares it with every printing of the picture where these differ.
Where the printing is still open and a reader of text is at hand, a third reads what is printed there.
All begin with the cards that have the fewest candidates, stop when their time is over, and say which cards
they did not get to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ParamSpec, Protocol, TypeVar

from app.domain.calibration import Calibration, Calibrations, log_odds
from app.domain.ports import References
from app.domain.ranking import RankedCard, Ranking
from app.domain.reranking import with_differences, with_texts
from app.domain.types import Degraded, RgbImage, StoredImage, TemplateSource
from app.services.card_text import CardLines, CardTexts
from app.services.comparing import Verified, compare_pictures, differences_of, lay_printings, ranked_anew
from app.services.matching import LEARNT_WAY_NATS, Match
from app.services.time_left import Clock, in_time
from app.vision.alignment import affine_in_shares
from app.vision.local_features import FEATURES_SIZE_PX, Affine
from app.vision.worker_threads import map_in_threads

#: Leading pictures that are compared with a crop. The same for every crop: the more are compared, the better
#: does the best of the wrong ones agree.
PICTURES = 6
#: Pictures that are compared beside these because a photo that people named is like the crop.
LEARNT_PICTURES = 1
#: A search says which way up a card lies; pictures that stand against it have to be so much likelier. Of two
#: strangers the better one agrees a little better than one alone.
OTHER_WAY_NATS = 3.0
#: An answer that only photos give has to be so much likelier than what the gallery's own pictures say: it is
#: one more way to be mistaken, about cards that nobody has ever corrected (docs/experiments.md, 47).
LEARNT_ANSWER_NATS = 3.0
#: Printings of one picture that are compared with each other.
MOST_PRINTINGS = 8

P = ParamSpec("P")
T = TypeVar("T")

Closer = Callable[[int], RgbImage]
"""Gives a card by its number, the way round the detector saw it."""


class Beside(Protocol):
    """Runs pixel work beside the event loop and waits for it."""

    async def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``work``."""
        ...


@dataclass(frozen=True, slots=True)
class _Looked:
    """A ranking after the second look.

    ``skipped``: its printings were to be told apart and were not, for want of time. ``lines``: where text may
    tell them apart, if they are still open.
    """

    ranking: Ranking
    skipped: bool = False
    lines: CardLines | None = None


class Verifier:
    """Verifies what a search found.

    Args:
        references: Reference pictures and their features.
        calibrations: What agreement and difference count, and when a search is sure.
        budget_ms: For all cards of a page together; what is left stays as the search gave it.
        compares_printings: False ranks pictures alone, to measure what the rest is worth.
        texts: Reads what is printed on cards whose printing is open; None reads nothing.
        learnt: Whether photos that people named count as pictures of their cards.
    """

    def __init__(
        self,
        references: References,
        calibrations: Calibrations,
        budget_ms: float,
        *,
        compares_printings: bool = True,
        texts: CardTexts | None = None,
        learnt: bool = True,
    ) -> None:
        self._references = references
        self._calibrations = calibrations
        self._budget_ms = budget_ms
        self._compares_printings = compares_printings
        self._texts = texts
        self._learnt = learnt

    async def verify(
        self,
        crops: Sequence[RgbImage],
        matches: Sequence[Match],
        beside: Beside,
        closer: Closer | None = None,
        spent_ms: float = 0.0,
    ) -> tuple[list[Match], float]:
        """Ranks the candidates of every crop anew.

        Args:
            crops: Rectified cards, the way round the detector saw them.
            matches: What the search said about them.
            beside: Runs pixel work beside the event loop.
            closer: Gives a card by its number, larger than its crop if it can, to read small print.
            spent_ms: Of the page's time, on what was compared before.

        Returns:
            The matches, those that were not verified with ``Degraded.VERIFICATION_SKIPPED``, and how long
            it took in milliseconds.
        """
        clock = Clock(self._budget_ms - spent_ms)
        if self._calibrations.verified is None and self._calibrations.verified_in_space is None:
            return list(matches), 0.0  # nobody has fitted what verification would be worth
        matches, verified = await self._right_way_up(crops, matches, beside, clock)
        upright = [match.upright(crop) for crop, match in zip(crops, matches, strict=True)]
        printings = [self._printings(one) for one in verified]
        wanted = sorted({one.card.card_id for some in printings for one in some})
        pictures = await in_time(clock, self._references.pictures_of, wanted)
        looked = await beside(self._second_look, upright, verified, printings, pictures, clock)
        if any(one.lines is not None for one in looked):
            seen = crops.__getitem__ if closer is None else closer
            looked = await beside(
                self._third_look, lambda index: matches[index].upright(seen(index)), looked, clock
            )
        answers = [
            _noted(match, one.affine, answer)
            for match, one, answer in zip(matches, verified, looked, strict=True)
        ]
        return answers, clock.spent_ms

    async def _right_way_up(
        self, crops: Sequence[RgbImage], matches: Sequence[Match], beside: Beside, clock: Clock
    ) -> tuple[list[Match], list[Verified]]:
        """The pictures of every crop; of those that are not clear then, also the other way up."""
        matches, verified = list(matches), await self._pictures(crops, matches, beside, clock)
        tried = {
            index: match.other_way
            for index, match in enumerate(matches)
            if match.other_way is not None
            and verified[index].ranking.verified
            and self._log_odds(verified[index]) < self._clear_at(verified[index])
        }
        if not tried:
            return matches, verified
        others = await self._pictures([crops[index] for index in tried], list(tried.values()), beside, clock)
        for (index, match), other in zip(tried.items(), others, strict=True):
            if other.ranking.verified and (
                self._log_odds(other) - OTHER_WAY_NATS > self._log_odds(verified[index])
            ):
                matches[index], verified[index] = match, other
        return matches, verified

    async def _pictures(
        self, crops: Sequence[RgbImage], matches: Sequence[Match], beside: Beside, clock: Clock
    ) -> list[Verified]:
        """The leading pictures of each match, compared with its crop the way up it matched."""
        leading = [_leading(match.ranking) for match in matches]
        wanted = sorted({one.card.card_id for some in leading for one in some})
        features = await in_time(clock, self._references.features_of, wanted)
        learnt = await in_time(clock, self._references.learnt_features_of, wanted) if self._learnt else {}
        upright = [match.upright(crop) for crop, match in zip(crops, matches, strict=True)]
        return await beside(self._first_look, upright, matches, leading, features, learnt, clock)

    def _surer(self, learnt: Verified, alone: Verified) -> Verified:
        """The answer with photos that people named, unless the gallery's own pictures are as sure."""
        best, own = learnt.ranking.best, alone.ranking.best
        if best is None or own is None or not alone.ranking.verified:
            return learnt
        bar = 0.0 if best.artwork_group_id == own.artwork_group_id else LEARNT_ANSWER_NATS
        by_photos, by_pictures = (
            self._calibration(one.ranking).card_log_odds(one.ranking) for one in (learnt, alone)
        )
        return learnt if by_photos - bar >= by_pictures else alone

    def _log_odds(self, verified: Verified) -> float:
        """Of the leader's picture; less where a photo that people named leads, as in the search."""
        ranking = verified.ranking
        constants = self._calibrations.of(ranking)
        odds = constants.card_log_odds(ranking)
        if ranking.best is None or ranking.best.source is not TemplateSource.CORRECTION:
            return odds
        return max(constants.card_log_odds(ranking.unlearnt()), odds - LEARNT_WAY_NATS)

    def _clear_at(self, verified: Verified) -> float:
        return log_odds(self._calibrations.of(verified.ranking).accept_card)

    def _calibration(self, ranking: Ranking) -> Calibration:
        return self._calibrations.of_gallery(in_space=ranking.in_space, verified=True)

    def _printings(self, verified: Verified) -> tuple[RankedCard, ...]:
        """Printings to tell apart: none where there is one alone, or nothing to lay the crop on."""
        if verified.affine is None or not self._compares_printings:
            return ()
        members = verified.ranking.members()[:MOST_PRINTINGS]
        return members if len(members) > 1 else ()

    def _first_look(
        self,
        crops: Sequence[RgbImage],
        matches: Sequence[Match],
        leading: Sequence[Sequence[RankedCard]],
        features: Mapping[str, tuple[bytes, ...]],
        learnt: Mapping[str, tuple[bytes, ...]],
        clock: Clock,
    ) -> list[Verified]:
        def look(index: int) -> Verified:
            ranking = matches[index].ranking
            if clock.is_over():
                return Verified(ranking)
            compared = compare_pictures(crops[index], leading[index], features, learnt)
            worth = self._calibration(ranking).standing_agreement
            anew = ranked_anew(ranking, compared, worth)
            if compared.agreements == compared.of_pictures and ranking == ranking.without_learnt():
                return anew
            alone = ranking.without_learnt()
            groups = {one.artwork_group_id for one in alone.leaders(PICTURES)}
            return self._surer(anew, ranked_anew(alone, compared.without_photos(groups), worth))

        return _side_by_side(look, [len(some) for some in leading])

    def _second_look(
        self,
        crops: Sequence[RgbImage],
        verified: Sequence[Verified],
        printings: Sequence[Sequence[RankedCard]],
        pictures: Mapping[str, StoredImage],
        clock: Clock,
    ) -> list[_Looked]:
        def look(index: int) -> _Looked:
            affine, ranking = verified[index].affine, verified[index].ranking
            if not printings[index] or affine is None:
                return _Looked(ranking)
            if clock.is_over() or not pictures:
                return _Looked(ranking, skipped=True)
            laid = lay_printings(crops[index], affine, printings[index], pictures)
            worth = self._calibration(ranking).difference_worth(ranking)
            anew = with_differences(ranking, differences_of(crops[index], laid), worth)
            lines = None
            if self._texts is not None and laid is not None and self._is_worth_reading(anew):
                lines = self._texts.lines_of(laid, anew.members())
            return _Looked(anew, lines=lines)

        return _side_by_side(look, [len(some) for some in printings])

    def _is_worth_reading(self, ranking: Ranking) -> bool:
        calibration = self._calibrations.of(ranking)
        return calibration.text_nats > 0 and calibration.is_open(ranking)

    def _third_look(self, closer: Closer, looked: Sequence[_Looked], clock: Clock) -> list[_Looked]:
        anew = list(looked)
        for index, one in enumerate(looked):
            if self._texts is None or one.lines is None:
                continue
            if clock.is_over():
                break
            verdicts = self._texts.judge(closer(index), one.lines)
            worth = self._calibrations.of(one.ranking).text_worth(one.ranking)
            anew[index] = replace(one, ranking=with_texts(one.ranking, verdicts, worth))
        return anew


def _side_by_side(look: Callable[[int], T], work: Sequence[int]) -> list[T]:
    """What each look gives, begun with those that have the least work, by two threads."""
    order = sorted(range(len(work)), key=lambda index: work[index])
    looked = dict(zip(order, map_in_threads(look, order), strict=True))
    return [looked[index] for index in range(len(work))]


def _leading(ranking: Ranking) -> tuple[RankedCard, ...]:
    """The cards of the leading pictures among the hits, best first."""
    return ranking.to_compare(PICTURES, LEARNT_PICTURES)


def _noted(match: Match, affine: Affine | None, looked: _Looked) -> Match:
    ranking = looked.ranking
    notes = list(match.degraded)
    if ranking.cards and not ranking.verified:
        notes.append(Degraded.VERIFICATION_SKIPPED)
    if looked.skipped:
        notes.append(Degraded.PRINTINGS_SKIPPED)
    to_crop = None if affine is None else affine_in_shares(affine, FEATURES_SIZE_PX)
    notes = list(dict.fromkeys(notes))
    return replace(match, ranking=ranking, degraded=tuple(notes), to_crop=to_crop, other_way=None)
