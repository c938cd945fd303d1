"""The evidence behind an answer in words, the same in tables and in pictures."""

from __future__ import annotations

from app.domain.explanation_types import Explanation, PrintingDifference
from app.domain.types import Candidate

#: What ``evidence_cells`` gives: how likely a candidate is, how similar its best template is, patches of its
#: picture in place, how well they fit, how far the photo is from it where printings differ beyond the nearest
#: one, and the share of the sure cards around that are of its set.
EVIDENCE = ("confidence", "similarity", "patches", "agreement", "difference", "neighbours")

NOT_LOOKED_AT = "-"
#: Nearer to the middle between two printings than this, a photo does not say which it shows.
UNDECIDED = 0.15


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


def difference_lines(explanation: Explanation) -> list[str]:
    """For each other printing, in how many places it differs, and which of the two the photo shows there."""
    return [_difference_line(explanation.card_id, difference) for difference in explanation.differences]


def _difference_line(leader: str, difference: PrintingDifference) -> str:
    places = len(difference.regions)
    if not places:
        return f"{difference.card_id} differs from {leader} in no place that stands out"
    start = f"{difference.card_id} differs from {leader} in {places} {'place' if places == 1 else 'places'}"
    favours = favoured(difference)
    if favours is None:
        return f"{start}; the photo does not lie well enough to compare"
    if abs(favours) < UNDECIDED:
        return f"{start}; there the photo does not say which it is ({favours:+.2f})"
    shown = leader if favours > 0.0 else difference.card_id
    return f"{start}; there the photo looks like {shown} ({favours:+.2f})"


def favoured(difference: PrintingDifference) -> float | None:
    """What a crop shows in all regions together: 1 the leading printing, -1 the other; None if unknown."""
    known = [(one.share, one.favours) for one in difference.regions if one.favours is not None]
    whole = sum(share for share, _ in known)
    return sum(share * favours for share, favours in known) / whole if whole > 0.0 else None


def _cell(value: float | None, form: str) -> str:
    return NOT_LOOKED_AT if value is None else format(value, form)
