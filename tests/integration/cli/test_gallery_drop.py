"""The gallery of an encoder that is no longer used is dropped, and never that of the one that is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.domain.calibration import UNCALIBRATED, Calibrations
from app.domain.fitted import fitted_path, save_fitted
from tests.command_line import CommandLine
from tests.integration.cli.conftest import CardFolder, rows

TEMPLATES = """
SELECT g.encoder_name, count(*) FROM templates t JOIN galleries g ON g.id = t.gallery_id GROUP BY 1 ORDER BY 1
"""


@pytest.fixture
def two(filled: CommandLine) -> CommandLine:
    """``binderlens`` with ENCODER=tiny, where ``other`` has a gallery as well."""
    assert filled("gallery", "re-embed", "--encoder", "other").status == 0
    return filled


def fingerprint_of(name: str, dsn: str) -> str:
    sql = "SELECT encoder_fingerprint FROM galleries WHERE encoder_name = $1"
    [(fingerprint,)] = rows(dsn, sql, name)
    return fingerprint


def answer(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.parametrize("by_name", [True, False])
def test_another_encoders_gallery_is_dropped_and_said_to_be(
    by_name: bool, two: CommandLine, cards: CardFolder, database_url: str
) -> None:
    count, fingerprint = 3 * len(cards.card_ids), fingerprint_of("other", database_url)
    assert f"other gallery     other ({fingerprint}): {count} templates" in two("gallery", "status").out
    outcome = two("gallery", "drop", "--encoder", "other" if by_name else fingerprint, "--yes")
    assert (outcome.status, outcome.err) == (0, "")
    first, *_, last = outcome.out.splitlines()
    assert first.startswith(
        f"other ({fingerprint}): {count} templates, 0 of them learnt from corrections; made "
    )
    assert last == f"removed {count} templates of other ({fingerprint})"
    assert rows(database_url, TEMPLATES) == [("tiny", count)]
    assert "other gallery" not in two("gallery", "status").out
    assert two("gallery", "re-embed", "--encoder", "other").out.startswith(f"{len(cards.card_ids)} reference")


def test_nothing_is_dropped_before_somebody_says_yes(
    two: CommandLine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(database_url, TEMPLATES)
    for text in ("n\n", ""):
        answer(text, monkeypatch)
        outcome = two("gallery", "drop", "--encoder", "other")
        assert (outcome.status, "nothing was removed" in outcome.err) == (1, True)
        assert rows(database_url, TEMPLATES) == before
    assert "--yes" in outcome.err  # nobody was there to be asked
    answer("y\n", monkeypatch)
    assert two("gallery", "drop", "--encoder", "other").status == 0
    assert rows(database_url, TEMPLATES) != before


def test_the_gallery_that_is_searched_is_not_dropped(two: CommandLine, database_url: str) -> None:
    before = rows(database_url, TEMPLATES)
    for live in ("tiny", fingerprint_of("tiny", database_url)):
        assert "is ENCODER" in two("gallery", "drop", "--encoder", live, "--yes").error
    two.setenv(ENCODER="other")
    assert "is ENCODER" in two("gallery", "drop", "--encoder", "other", "--yes").error
    assert rows(database_url, TEMPLATES) == before


def test_an_older_encoder_of_the_live_ones_name_is_dropped_by_its_fingerprint(
    two: CommandLine, database_url: str
) -> None:
    older = fingerprint_of("other", database_url)
    rows(database_url, "UPDATE galleries SET encoder_name = 'tiny' WHERE encoder_name = 'other'")
    assert older in two("gallery", "drop", "--encoder", "tiny", "--yes").error
    assert two("gallery", "drop", "--encoder", older, "--yes").status == 0


def test_the_only_gallery_that_can_be_searched_is_not_dropped(filled: CommandLine, database_url: str) -> None:
    before = rows(database_url, TEMPLATES)
    filled.setenv(ENCODER="other")
    assert "re-embed" in filled("gallery", "drop", "--encoder", "tiny", "--yes").error
    assert rows(database_url, TEMPLATES) == before


def test_a_gallery_that_is_not_there_is_answered_with_those_that_are(
    two: CommandLine, database_url: str
) -> None:
    error = two("gallery", "drop", "--encoder", "nothing", "--yes").error
    assert f"other ({fingerprint_of('other', database_url)})" in error


def test_confidences_fitted_for_a_dropped_gallery_stay_and_it_is_said_how_they_go(
    two: CommandLine, database_url: str, tmp_path: Path
) -> None:
    data, shipped = tmp_path / "data", Calibrations(UNCALIBRATED, UNCALIBRATED)
    for name in ("tiny", "other"):
        fingerprint = fingerprint_of(name, database_url)
        save_fitted(shipped, shipped, fitted_path(data, name), name, fingerprint)
    (data / "calibrations" / "broken.json").write_text("[]")
    mine, theirs = fitted_path(data, "tiny"), fitted_path(data, "other")
    *_, last = two("gallery", "drop", "--encoder", "other", "--yes").out.splitlines()
    assert last == (
        f"what was fitted for it stays in {theirs}; "
        "to delete that: ENCODER=other binderlens evaluate --forget-fit"
    )
    assert theirs.exists()
    two.setenv(ENCODER="other")
    assert f"deleted {theirs}" in two("evaluate", "--forget-fit").out
    assert mine.exists()
