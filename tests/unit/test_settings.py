"""Settings refuse nonsense, and ``.env.example`` says the same as the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.db.postgres_settings import SERVER_SETTINGS
from app.settings import PROJECT_ROOT, Settings
from scripts import settings_table
from scripts.env_example import render


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_example_file_is_what_the_settings_say() -> None:
    assert (PROJECT_ROOT / ".env.example").read_text() == render()


def test_the_table_in_the_documentation_is_what_the_settings_say() -> None:
    document = settings_table.DOCUMENT.read_text(encoding="utf-8")
    assert settings_table.put_in(document) == document, "run: make settings-table"
    assert settings_table.render() in document


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_example_file_uncommented_changes_nothing(tmp_path: Path) -> None:
    lines = (PROJECT_ROOT / ".env.example").read_text().splitlines()
    active = [
        line.removeprefix("# ")
        for line in lines
        if line.startswith("# ") and line[2:3].isupper() and "=" in line
    ]
    (tmp_path / ".env").write_text("\n".join(active))
    assert len(active) == len(Settings.model_fields)
    read, default = Settings().model_dump(), Settings(_env_file=None).model_dump()
    read["models_dir"] = PROJECT_ROOT / read["models_dir"]
    assert read == default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "http"),
        ("RETRIEVAL_TOPK", "0"),
        ("ENCODER_PRECISION", "fp64"),
        ("MAX_UPLOAD_MB", "-1"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_value_out_of_its_range_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()


def test_a_retry_wider_than_the_first_search_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRIEVAL_TOPK", "20")
    with pytest.raises(ValidationError, match="RETRIEVAL_TOPK_RETRY is 25, more than RETRIEVAL_TOPK"):
        Settings()
    monkeypatch.setenv("RETRIEVAL_TOPK_RETRY", "20")
    assert Settings().retrieval_topk_retry == 20


def test_a_request_that_would_end_before_the_search_after_a_timeout_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STATEMENT_TIMEOUT_MS", "3000")
    monkeypatch.setenv("REQUEST_TIMEOUT_MS", "6000")
    with pytest.raises(ValidationError, match="STATEMENT_TIMEOUT_MS is 3000 and REQUEST_TIMEOUT_MS 6000"):
        Settings()
    monkeypatch.setenv("REQUEST_TIMEOUT_MS", "6001")
    assert Settings().request_timeout_ms == 6001


def test_a_pool_that_two_processes_could_not_both_fill_is_refused_for_the_embedded_database_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DB_POOL_SIZE", "25")
    assert 2 * Settings().db_pool_size < int(SERVER_SETTINGS["max_connections"])
    monkeypatch.setenv("DB_POOL_SIZE", "26")
    with pytest.raises(ValidationError, match=r"DB_POOL_SIZE is 26.*at most 25 without DATABASE_URL"):
        Settings()
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@host/db")
    assert Settings().db_pool_size == 26


def test_megabytes_are_a_million_bytes_everywhere() -> None:
    settings = Settings(max_upload_mb=3, max_image_megapixels=4, memory_limit_mb=5)
    assert settings.max_upload_bytes == 3_000_000
    assert settings.max_image_pixels == 4_000_000
    assert settings.memory_limit_bytes == 5_000_000


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "shop:identify:hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@host/db")
    assert "hunter2" not in repr(Settings())


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]
