"""Whose pictures an encoder is quantised with where the command does not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.cli.commands import models_int8
from app.cli.commands.models_int8 import gather_sample
from app.services import card_samples
from app.settings import Settings


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_samples, "JUDGED_PICTURES", 1)


def test_where_no_database_was_ever_started_invented_cards_are_taken_and_none_is_made(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")
    assert gather_sample(settings, "auto").source == "invented"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("external", [True, False])
def test_where_there_is_a_database_its_pictures_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, external: bool
) -> None:
    async def no_pictures(_settings: Settings) -> list[object]:
        asked.append(True)
        return []

    asked: list[bool] = []
    monkeypatch.setattr(models_int8, "_stored_pictures", no_pictures)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18")
    url = SecretStr("postgresql://elsewhere") if external else None
    data_dir = tmp_path / "empty" if external else tmp_path
    settings = Settings(_env_file=None, data_dir=data_dir, database_url=url)
    assert gather_sample(settings, "auto").source == "mixed"
    assert asked == [True]
