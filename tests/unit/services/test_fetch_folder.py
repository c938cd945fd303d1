"""The folder of fetched pictures remembers what is in it."""

from __future__ import annotations

from pathlib import Path

from app.domain.types import Card
from app.services.gallery_fetch.folder import FetchFolder


def test_a_name_with_a_line_separator_is_remembered(tmp_path: Path) -> None:
    FetchFolder(tmp_path).put(Card("x-1", "One\u2028Two"), "x", b"picture", ".png")
    again = FetchFolder(tmp_path)
    assert again.intact("x-1") is not None
    assert again.write_manifest() == 1
