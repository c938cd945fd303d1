"""What people say: who repeats, changed their mind, disagrees or is outvoted, and whose word is good."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from app.domain.correction_types import CorrectionStatus, Verdict
from app.domain.learning_types import Decision, LearningLimits, Study, Support

Statement = tuple[Verdict, str | None]
#: So many people who say the same about a crop settle it, if fewer say anything else.
_SETTLED = 2
_ALONE_AGAINST_THE_CROP = (
    "the crop speaks for what others say; it waits for a second person who says the same"
)


def hear(studies: Sequence[Study], limits: LearningLimits) -> tuple[dict[UUID, Decision], set[UUID]]:
    """Judges corrections by what else was said about the same crop.

    Args:
        studies: In the order of their arrival.
        limits: How often a person is heard in a day; what is beyond has no vote.

    Returns:
        Decisions about those that others, a later word of the same person or the limit decide; and the ids of
        those that an independent second person agrees with.
    """
    decided = _unheard(studies, limits.corrections_per_day)
    by_subject: dict[str, list[Study]] = defaultdict(list)
    for study in studies:
        if study.correction_id not in decided:
            by_subject[study.subject].append(study)
    agreed: set[UUID] = set()
    for said in by_subject.values():
        last = _last_words(said, decided)
        votes = Counter(_statement(study) for study in last)
        agreed.update(study.correction_id for study in last if votes[_statement(study)] >= _SETTLED)
        decided.update(_contradictions(last, votes))
    return decided, agreed


def reliable(
    studies: Sequence[Study], decided: Mapping[UUID, Decision], limits: LearningLimits
) -> set[str | None]:
    """People whose word is good where a crop says nothing: crops that do say something hardly ever oppose it.

    Args:
        studies: Of all that have not been taken back, in any order: who turns out to be mistaken often loses
            what was learnt by their word alone.
        decided: What ``hear`` said. A word that it refused bears nobody out; one that a crop opposes counts
            all the same, or taking back what was wrong by another word would wash it off.
        limits: How many crops must have borne a person out, and how few may oppose them.
    """
    borne_out: dict[str | None, set[str]] = defaultdict(set)
    opposed: dict[str | None, set[str]] = defaultdict(set)
    for study in studies:
        if study.verdict is not Verdict.CARD or study.findings.complaint is not None:
            continue
        if study.findings.support is Support.OPPOSED:
            opposed[study.person].add(study.subject)
        elif study.findings.support is Support.BACKED and not _is_refused(study, decided):
            borne_out[study.person].add(study.subject)
    return {
        person
        for person, crops in borne_out.items()
        if len(crops) >= limits.borne_out and len(opposed[person]) <= limits.opposed_share * len(crops)
    }


def _is_refused(study: Study, decided: Mapping[UUID, Decision]) -> bool:
    decision = decided.get(study.correction_id)
    return decision is not None and decision.status is CorrectionStatus.REJECTED


def _unheard(studies: Sequence[Study], most: int) -> dict[UUID, Decision]:
    """Refuses what a person said in a day beyond so many corrections."""
    said: Counter[tuple[str | None, date]] = Counter()
    beyond = {}
    for study in studies:
        said[study.person, study.day] += 1
        if said[study.person, study.day] > most:
            reason = f"more than {most} corrections in one day from one key"
            beyond[study.correction_id] = _rejected(reason)
    return beyond


def _last_words(said: Sequence[Study], decided: dict[UUID, Decision]) -> list[Study]:
    """The last statement of each person, as it was first made; decides about what is left."""
    by_person: dict[str | None, list[Study]] = defaultdict(list)
    for study in said:
        by_person[study.person].append(study)
    last = []
    for theirs in by_person.values():
        final = _statement(theirs[-1])
        first = next(study for study in theirs if _statement(study) == final)
        last.append(first)
        for study in theirs:
            if _statement(study) != final:
                decided[study.correction_id] = _rejected("a later correction of yours says something else")
            elif study is not first:
                decided[study.correction_id] = _rejected("you have said the same about this card before")
    return sorted(last, key=lambda study: study.sequence)


def _settled(votes: Counter[Statement]) -> Statement | None:
    """What most say, if so many say it and no other statement has as many."""
    (first, most), *others = votes.most_common()
    return first if most >= _SETTLED and all(count < most for _, count in others) else None


def _contradictions(last: Sequence[Study], votes: Counter[Statement]) -> dict[UUID, Decision]:
    """What becomes of those that are outvoted, or that nobody can choose between yet.

    A crop that speaks for a card is heard before a single person for whom it does not: else one key could
    undo whatever anybody has taught.
    """
    if len(votes) == 1:
        return {}
    winner = _settled(votes)
    if winner is not None:
        outvoted = _rejected(f"{votes[winner]} people say {_in_words(winner)}")
        return {study.correction_id: outvoted for study in last if _statement(study) != winner}
    backed = {_statement(study) for study in last if _is_backed(study)}
    # Whoever nothing but a single person speaks for has no say where a crop speaks for somebody else.
    weighty = {one for one, people in votes.items() if one in backed or people >= _SETTLED or not backed}
    decisions = {}
    for study in last:
        others = weighty - {_statement(study)}
        if _statement(study) not in weighty:
            decisions[study.correction_id] = _waiting(_ALONE_AGAINST_THE_CROP)
        elif others:
            differs = " or ".join(sorted(_in_words(one) for one in others))
            decisions[study.correction_id] = _waiting(f"others say {differs}; it waits until that is settled")
    return decisions


def _is_backed(study: Study) -> bool:
    """Whether a crop speaks for what was said, and can be learnt from."""
    found = study.findings
    is_of_use = found.complaint is None and study.artwork_group_id is not None
    return study.verdict is Verdict.CARD and found.support is Support.BACKED and is_of_use


def _in_words(statement: Statement) -> str:
    verdict, card_id = statement
    words = {
        Verdict.NOT_IN_GALLERY: "that it is not in the gallery",
        Verdict.NOT_A_CARD: "that it is no card",
    }
    return words.get(verdict, f"that it is {card_id}")


def _statement(study: Study) -> Statement:
    return study.verdict, study.card_id


def _waiting(reason: str) -> Decision:
    return Decision(CorrectionStatus.QUARANTINED, reason)


def _rejected(reason: str) -> Decision:
    return Decision(CorrectionStatus.REJECTED, reason)
