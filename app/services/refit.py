"""From scored scans to confidences fitted on them: what ``binderlens evaluate --fit`` does."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.domain.adjustment import LabelledAnswer, PrintingOdds
from app.domain.scoring import ScanScore, ScoredCard, TrueCard
from app.domain.thresholds import Targets
from app.domain.types import Candidate, Identification
from app.services.page_context import NEIGHBOURS_NATS
from app.settings import Settings

#: A share of the printings below this is rounding.
_NO_SHARE = 1e-12


def targets_of(settings: Settings) -> Targets:
    """What the settings ask of the thresholds."""
    return Targets(
        picture=settings.accept_picture_precision,
        printing=settings.accept_printing_precision,
        unknown=settings.unknown_recall,
    )


def labelled_answers(scores: Sequence[ScanScore]) -> list[LabelledAnswer]:
    """The answers that say something about confidences.

    Only of scans whose labels all have corners: without them a label is paired with an answer that names it,
    so that no answer could ever be wrong. Where nothing was found in the gallery there is no confidence to
    move.
    """
    answers = []
    for place, score in enumerate(scores):
        for number, scored in enumerate(score.cards if score.detection_scored else ()):
            answer = _labelled(scored, f"card {number} of scan {place}")
            if answer is not None:
                answers.append(answer)
    return answers


def _labelled(scored: ScoredCard, nameless: str) -> LabelledAnswer | None:
    answer, truth = scored.answer, scored.truth
    if answer is None or truth is None or answer.kind is None or scored.first_artwork_right is None:
        return None
    if not answer.candidates or answer.confidence.card <= 0.0:
        return None
    return LabelledAnswer(
        picture=min({truth.card_id, *truth.same_picture}) if truth.card_id else nameless,
        kind=answer.kind,
        card=answer.confidence.card,
        printing=answer.confidence.printing,
        picture_right=scored.first_artwork_right,
        printing_right=scored.first_printing_right is True,
        known=truth.in_gallery is not False,
        odds=_printing_odds(answer, truth if scored.first_artwork_right else None),
    )


def _printing_odds(answer: Identification, truth: TrueCard | None) -> PrintingOdds | None:
    """How the printings of the first candidate's picture stand against it; None where it is alone.

    Args:
        answer: Its candidates have the probability of the picture between them.
        truth: The label, where it is of this picture: it says how many printings there are.
    """
    first = answer.candidates[0]
    listed = [one for one in answer.candidates if one.artwork_group_id == first.artwork_group_id]
    rest = max(0.0, 1.0 - sum(one.confidence for one in listed) / answer.confidence.card)
    if first.confidence <= 0.0:
        return None
    others = [one for one in listed[1:] if one.confidence > 0.0]
    given = [_neighbours(one) - _neighbours(first) for one in others]
    measured = [
        math.log(one.confidence / first.confidence) - by for one, by in zip(others, given, strict=True)
    ]
    counts = [1] * len(others)
    if rest > _NO_SHARE:
        # Printings that the search did not find: all as likely, and no neighbour speaks of them.
        unseen = max(1, len(truth.same_picture) - len(listed)) if truth is not None else 1
        measured.append(math.log(rest * answer.confidence.card / unseen / first.confidence))
        given, counts = [*given, 0.0], [*counts, unseen]
    return PrintingOdds(tuple(measured), tuple(given), tuple(counts)) if measured else None


def _neighbours(candidate: Candidate) -> float:
    return NEIGHBOURS_NATS * (candidate.neighbours or 0.0)
