"""What people's corrections say about answers: who has been taken for whom, and how often.

Evidence that only people give: where pixels leave open which of two cards it is, the one that it has turned
out to be rises, and an answer that keeps being put right is not called sure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.domain.calibration import Calibrations
from app.domain.errors import DatabaseUnavailable, SearchTimeout
from app.domain.ports import Gallery
from app.domain.reranking import with_nudges
from app.services.matching import Match

Confusions = Mapping[str, Mapping[str, int]]
"""By the card that was answered: how often it was which card; itself where people confirmed it."""

#: One slip says nothing about a pair; so often it has to happen.
_LEAST_TIMES = 2
#: What people say counts no more than this: e to this power times likelier.
_MOST_NATS = 2.0
#: What one correction says alone is right so often; so many that gave one card a template are believed.
_TRUST_IN_ONE, _ENOUGH_CORRECTIONS = 0.9, 2
#: A photo of one printing is more like any photo of that picture by the same camera than the gallery's own
#: pictures are, so how far it leads says little about the printing: e to this power times likelier at most.
#: ``python -m benchmarks.learning.printings`` shows what that does (docs/experiments.md, 54).
_PHOTO_NATS = 1.0
#: Counted beside what was confirmed, so that the first corrections do not decide all.
_PRIOR_RIGHT = 2


async def in_history(matches: Sequence[Match], gallery: Gallery, calibrations: Calibrations) -> list[Match]:
    """Answers as they stand after what people have said about others like them."""
    # First of all: what people have said is asked of the printing that leads then.
    seen = [_by_photos(match, calibrations) for match in matches]
    leaders = sorted({match.ranking.best.card.card_id for match in seen if match.ranking.best})
    learnt = sorted({card for match in seen if (card := _learnt(match, calibrations)) is not None})
    try:
        confusions = await gallery.confusions_of(leaders) if leaders else {}
        corrections = await gallery.corrections_of(learnt) if learnt else {}
    except (SearchTimeout, DatabaseUnavailable):
        confusions, corrections = {}, {}  # whoever asks can do without
    weighed = [_weighed(match, confusions, calibrations) if confusions else match for match in seen]
    return [_on_whose_word(match, corrections, calibrations) for match in weighed]


def _learnt(match: Match, calibrations: Calibrations) -> str | None:
    """The leader, where it is sure and the gallery's own pictures alone would not make it so."""
    ranking, unlearnt = match.ranking, match.ranking.unlearnt()
    constants = calibrations.of(ranking)
    sure, sure_anyway = (
        constants.card_probability(one) >= constants.accept_card for one in (ranking, unlearnt)
    )
    return ranking.best.card.card_id if ranking.best is not None and sure and not sure_anyway else None


def _on_whose_word(match: Match, corrections: Mapping[str, int], calibrations: Calibrations) -> Match:
    """An answer that only a single correction makes sure is for a person to look at."""
    card_id = _learnt(match, calibrations)
    if card_id is None or corrections.get(card_id, 0) >= _ENOUGH_CORRECTIONS:
        return match
    return replace(match, trust_card=min(match.trust_card, _TRUST_IN_ONE))


def _by_photos(match: Match, calibrations: Calibrations) -> Match:
    """The printing of which the photo most like the crop is, a little likelier."""
    members = sorted(match.ranking.members(), key=lambda one: -one.learnt)
    if len(members) < 2 or members[0].learnt <= max(one.picture_similarity for one in members):
        return match
    constants = calibrations.of(match.ranking)
    temperature = constants.temperature(match.ranking)
    first, second = members[:2]
    lead = (first.learnt - second.learnt) / temperature if second.learnt > -1.0 else math.inf
    nudge = min(_PHOTO_NATS, lead) * temperature
    return replace(match, ranking=with_nudges(match.ranking, {first.card.card_id: nudge}))


def _weighed(match: Match, confusions: Confusions, calibrations: Calibrations) -> Match:
    best = match.ranking.best
    turned_out = confusions.get(best.card.card_id, {}) if best is not None else {}
    wrong = {
        card_id: times
        for card_id, times in turned_out.items()
        if best is not None and card_id != best.card.card_id and times >= _LEAST_TIMES
    }
    if best is None or not wrong:
        return match
    confirmed = turned_out.get(best.card.card_id, 0)
    printings = {one.card.card_id for one in match.ranking.members()}
    nats = {
        card_id: min(_MOST_NATS, max(0.0, math.log((times + 1) / (confirmed + 1))))
        for card_id, times in wrong.items()
        if card_id in printings
    }
    temperature = calibrations.of(match.ranking).temperature(match.ranking)
    nudges = {card_id: worth * temperature for card_id, worth in nats.items()}
    others = sum(times for card_id, times in wrong.items() if card_id not in printings)
    among = sum(times for card_id, times in wrong.items() if card_id in printings)
    return replace(
        match,
        ranking=with_nudges(match.ranking, nudges),
        trust_card=_trust(confirmed, others),
        trust_printing=_trust(confirmed, among),
    )


def _trust(confirmed: int, wrong: int) -> float:
    """Share of such answers that were right, a few more counted as right; 1 where none was wrong."""
    return (confirmed + _PRIOR_RIGHT) / (confirmed + wrong + _PRIOR_RIGHT)
