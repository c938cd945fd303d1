"""Evidence in words."""

from __future__ import annotations

import pytest

from app.domain.evidence import EVIDENCE, difference_lines, evidence_cells, matched_line
from app.domain.explanation_types import Explanation, PatchPair, PrintingDifference, Region
from app.domain.types import Candidate, Card, TemplateSource

BOX = (0.1, 0.2, 0.3, 0.4)


def explained(*favours: float | None, shares: tuple[float, ...] = ()) -> Explanation:
    regions = tuple(
        Region(BOX, None, share, one)
        for one, share in zip(favours, shares or (0.5,) * len(favours), strict=True)
    )
    return Explanation("em1-005", (), (PrintingDifference("em2-006", regions),))


@pytest.mark.parametrize(
    ("explanation", "line"),
    [
        (explained(), "differs from em1-005 in no place that stands out"),
        (explained(0.8), "in 1 place; there the photo looks like em1-005 (+0.80)"),
        (explained(-0.6, -0.4), "in 2 places; there the photo looks like em2-006 (-0.50)"),
        (explained(0.1), "in 1 place; there the photo does not say which it is (+0.10)"),
        (explained(None), "in 1 place; the photo does not lie well enough to compare"),
        (explained(1.0, -1.0, shares=(0.8, 0.2)), "there the photo looks like em1-005 (+0.60)"),
    ],
)
def test_the_line_of_a_printing_names_the_one_that_the_photo_shows(
    explanation: Explanation, line: str
) -> None:
    (said,) = difference_lines(explanation)
    assert said.startswith("em2-006 differs from em1-005 in ")
    assert said.endswith(line)


def test_patches_are_counted_with_those_that_move_together() -> None:
    pairs = tuple(PatchPair((0.5, 0.5), (0.5, 0.5), 0.8, together) for together in (True, True, False))
    assert matched_line(Explanation("a", pairs, ())) == "2 of 3 patches found move together"


def test_every_term_has_its_cell_and_what_nobody_looked_at_is_a_dash() -> None:
    bare = Candidate(Card("a", "Heron"), 1, 0.9124, 0.5, TemplateSource.OFFICIAL)
    full = Candidate(Card("a", "Heron"), 1, 0.9124, 0.5, TemplateSource.OFFICIAL, 31, 0.456, 0.0123, 0.25)
    assert dict(zip(EVIDENCE, evidence_cells(full), strict=True)) == {
        "confidence": "50.0%",
        "similarity": "0.912",
        "patches": "31",
        "agreement": "0.46",
        "difference": "0.012",
        "neighbours": "25%",
    }
    assert evidence_cells(bare) == ("50.0%", "0.912", "-", "-", "-", "-")
