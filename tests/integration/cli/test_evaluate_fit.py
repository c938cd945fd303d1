"""``evaluate --fit`` on a real database: what it writes is used by the next command, and can be forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.domain import refit
from tests.command_line import CommandLine
from tests.integration.cli.conftest import CardFolder


@pytest.fixture
def filled(binderlens: CommandLine, cards: CardFolder, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Answers come from the search alone: four labels are too few to better what pictures say."""
    monkeypatch.setenv("VERIFICATION_BUDGET_MS", "0")
    assert binderlens(*cards.import_args).status == 0
    return binderlens


def found(filled: CommandLine, page_file: Path) -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = json.loads(filled("identify", page_file, "--json").out)["cards"]
    return cards


def confidences(filled: CommandLine, page_file: Path) -> list[float]:
    return [card["confidence"]["card"] for card in found(filled, page_file)]


@pytest.fixture
def labels(filled: CommandLine, page_file: Path) -> Path:
    """A person confirmed what was found on the page, but that the least sure card is one of no gallery."""
    folder = page_file.parent / "labels"
    folder.mkdir()
    answers = sorted(found(filled, page_file), key=lambda card: card["confidence"]["card"])
    cards = [
        {"quad": card["quad"], "card_id": card["candidates"][0]["card"]["card_id"], "in_gallery": True}
        for card in answers[1:]
    ]
    cards.append({"quad": answers[0]["quad"], "in_gallery": False})
    (folder / "page.json").write_text(json.dumps({"image": f"../{page_file.name}", "cards": cards}))
    return folder


def test_too_few_labels_are_one_line_and_write_nothing(
    filled: CommandLine, labels: Path, tmp_path: Path
) -> None:
    error = filled("evaluate", labels, "--fit").error
    assert f"needs {refit.LEAST_PICTURES} different cards" in error
    assert "plain has 4 " in error
    assert not (tmp_path / "data" / "calibrations").exists()


def test_what_was_fitted_is_used_until_it_is_forgotten(
    filled: CommandLine, labels: Path, page_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, least in (("LEAST_PICTURES", 4), ("LEAST_RIGHT", 1), ("LEAST_WRONG", 1)):
        monkeypatch.setattr(refit, name, least)
    before = confidences(filled, page_file)
    outcome = filled("evaluate", labels, "--fit")
    assert outcome.status == 0, outcome.err
    path = tmp_path / "data" / "calibrations" / "tiny.json"
    assert f"written to {path}" in outcome.out
    assert "log loss of the card" in outcome.out
    fitted = confidences(filled, page_file)
    assert len(fitted) == len(before) == 4
    assert fitted != before
    # A second fit starts from what came with the encoder, not from the first.
    first = path.read_text()
    assert filled("evaluate", labels, "--fit").status == 0
    assert path.read_text() == first
    # Another encoder has no part in it.
    assert json.loads(first)["encoder"] == "tiny"
    assert f"deleted {path}" in filled("evaluate", "--forget-fit").out
    assert confidences(filled, page_file) == before
    assert "there is no" in filled("evaluate", "--forget-fit").out
