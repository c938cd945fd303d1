"""The folder of fetched pictures remembers what is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain.types import Card
from app.services.gallery_fetch.folder import FetchFolder, Picture
from app.services.gallery_fetch.validators import Validators


def test_a_name_with_a_line_separator_is_remembered(tmp_path: Path) -> None:
    FetchFolder(tmp_path).put(Card("x-1", "One\u2028Two"), "x", Picture(b"picture"), ".png")
    again = FetchFolder(tmp_path)
    assert again.intact("x-1") is not None
    assert again.write_manifest() == 1


def test_what_a_server_named_a_picture_by_is_remembered(tmp_path: Path) -> None:
    validators = Validators('W/"1"', "Tue, 24 Nov 2026 12:00:00 GMT")
    folder = FetchFolder(tmp_path, lambda: 1_700_000_000.5)
    folder.put(Card("x-1", "One"), "x", Picture(b"picture", "https://example.org/1", validators), ".png")
    known = FetchFolder(tmp_path).intact("x-1")
    assert known is not None
    assert (known.origin, known.validators, known.checked_at) == (
        "https://example.org/1",
        validators,
        1_700_000_000.5,
    )


@pytest.mark.parametrize(
    "damage",
    [{"checked_at": "soon"}, {"validators": None}, {"validators": {"etag": 5}}, {"card": {}}, {"sha256": 1}],
)
def test_a_line_that_says_something_else_costs_its_card_alone(
    tmp_path: Path, damage: dict[str, object]
) -> None:
    folder = FetchFolder(tmp_path)
    for card_id in ("x-1", "x-2"):
        folder.put(Card(card_id, "One"), "x", Picture(b"picture"), ".png")
    first, second = (tmp_path / "fetched.jsonl").read_text().splitlines()
    (tmp_path / "fetched.jsonl").write_text(f"{json.dumps(json.loads(first) | damage)}\n{second}\n")
    again = FetchFolder(tmp_path)
    assert (again.intact("x-1"), again.intact("x-2") is not None) == (None, True)


def test_a_line_of_a_later_version_is_read_for_what_this_one_knows(tmp_path: Path) -> None:
    FetchFolder(tmp_path).put(Card("x-1", "One"), "x", Picture(b"picture"), ".png")
    ledger = tmp_path / "fetched.jsonl"
    ledger.write_text(json.dumps(json.loads(ledger.read_text()) | {"later": 1}) + "\n")
    assert FetchFolder(tmp_path).intact("x-1") is not None
