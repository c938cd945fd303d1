"""What people say: who repeats, changed their mind, disagrees or is outvoted, and whose word is good."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from uuid import UUID

from app.domain.correction_types import CorrectionStatus, Verdict
from app.domain.learning_types import Decision, LearningLimits, Study, Support

Statement = tuple[Verdict, str | None]
#: So many people who say the same about a crop settle it, if fewer say anything else.
_SETTLED = 2


def hear(studies: Sequence[Study]) -> tuple[dict[UUID, Decision], set[UUID]]:
    """Judges corrections by what else was said about the same crop.

    Args:
        studies: In the order of their arrival.

    Returns:
        Decisions about those that others, or a later word of the same person, decide; and the ids of those
        that an independent second person agrees with.
    """
    by_subject: dict[str, list[Study]] = defaultdict(list)
    for study in studies:
        by_subject[study.subject].append(study)
    decided: dict[UUID, Decision] = {}
    agreed: set[UUID] = set()
    for said in by_subject.values():
        last = _last_words(said, decided)
        votes = Counter(_statement(study) for study in last)
        winner = _settled(votes)
        for study in last:
            if votes[_statement(study)] >= _SETTLED:
                agreed.add(study.correction_id)
            if len(votes) > 1 and _statement(study) != winner:
                decided[study.correction_id] = _contradicted(study, votes, winner)
    return decided, agreed


def reliable(studies: Sequence[Study], limits: LearningLimits) -> set[str | None]:
    """People whose word is good where a crop says nothing: crops that do say something hardly ever oppose it.

    Args:
        studies: Of all that have not been taken back, in any order: who turns out to be mistaken often loses
            what was learnt by their word alone.
        limits: How many crops must have borne a person out, and how few may oppose them.
    """
    told: dict[str | None, Counter[Support]] = defaultdict(Counter)
    for study in studies:
        if study.verdict is Verdict.CARD and study.findings.complaint is None:
            told[study.person][study.findings.support] += 1
    return {
        person
        for person, counts in told.items()
        if counts[Support.BACKED] >= limits.borne_out
        and counts[Support.OPPOSED] <= limits.opposed_share * counts[Support.BACKED]
    }


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


def _contradicted(study: Study, votes: Counter[Statement], winner: Statement | None) -> Decision:
    if winner is not None:
        return _rejected(f"{votes[winner]} people say {_in_words(winner)}")
    others = sorted(_in_words(one) for one in votes if one != _statement(study))
    return Decision(
        CorrectionStatus.QUARANTINED, f"others say {' or '.join(others)}; it waits until that is settled"
    )


def _in_words(statement: Statement) -> str:
    verdict, card_id = statement
    words = {
        Verdict.NOT_IN_GALLERY: "that it is not in the gallery",
        Verdict.NOT_A_CARD: "that it is no card",
    }
    return words.get(verdict, f"that it is {card_id}")


def _statement(study: Study) -> Statement:
    return study.verdict, study.card_id


def _rejected(reason: str) -> Decision:
    return Decision(CorrectionStatus.REJECTED, reason)
