"""The evidence behind an answer in words, the same in tables and in pictures."""

from __future__ import annotations

from app.domain.explanation_types import Explanation, PrintingDifference
from app.domain.types import Candidate

#: What ``evidence_cells`` gives: how likely a candidate is, how similar its best template is, patches of its
#: picture in place, how well they fit, how far the photo is from it where printings differ beyond the nearest
#: one, and the share of the sure cards around that are of its set.
EVIDENCE = ("confidence", "similarity", "patches", "agreement", "difference", "neighbours")

NOT_LOOKED_AT = "-"


def evidence_cells(candidate: Candidate) -> tuple[str, ...]:
    """One text for each of ``EVIDENCE``; ``NOT_LOOKED_AT`` where nobody looked."""
    return (
        f"{candidate.confidence:.1%}",
        f"{candidate.similarity:.3f}",
        NOT_LOOKED_AT if candidate.inliers is None else str(candidate.inliers),
        _cell(candidate.agreement, ".2f"),
        _cell(candidate.difference, ".3f"),
        _cell(candidate.neighbours, ".0%"),
    )


def matched_line(explanation: Explanation) -> str:
    """How many patches were found, and how many of them move together."""
    together = sum(pair.together for pair in explanation.patches)
    return f"{together} of {len(explanation.patches)} patches found move together"


def difference_line(difference: PrintingDifference) -> str:
    """In how many places a printing differs from the leading one, and which of the two is seen there."""
    places = len(difference.regions)
    if not places:
        return f"{difference.card_id}: no place stands out where it differs"
    counted = "1 place" if places == 1 else f"{places} places"
    favours = favoured(difference)
    if favours is None:
        return f"{difference.card_id} differs in {counted}; the photo does not lie well enough to compare"
    seen = "this printing" if favours > 0.0 else "the other one"
    return f"{difference.card_id} differs in {counted}; the photo shows {seen} there ({favours:+.2f})"


def favoured(difference: PrintingDifference) -> float | None:
    """What a crop shows in all regions together: 1 the leading printing, -1 the other; None if unknown."""
    known = [(one.share, one.favours) for one in difference.regions if one.favours is not None]
    whole = sum(share for share, _ in known)
    return sum(share * favours for share, favours in known) / whole if whole > 0.0 else None


def _cell(value: float | None, form: str) -> str:
    return NOT_LOOKED_AT if value is None else format(value, form)
