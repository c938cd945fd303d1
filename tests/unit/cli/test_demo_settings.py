from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.commands.demo import _demo_settings


def test_the_demo_asks_for_no_key_and_has_a_database_and_an_encoder_of_its_own_whatever_the_service_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("API_KEYS", "me:admin:a-key-of-the-service")
    monkeypatch.setenv("API_KEYS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("HOST", "0.0.0.0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/cards")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DB_POOL_SIZE", "40")
    monkeypatch.setenv("MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("ENCODER_PRECISION", "int8")
    monkeypatch.setenv("ENCODER_RUNTIME", "torch")
    settings = _demo_settings(port=8123)
    assert (settings.api_keys.get_secret_value(), settings.api_keys_file) == ("", None)
    assert (settings.host, settings.port) == ("127.0.0.1", 8123)
    assert (settings.database_url, settings.data_dir) == (None, tmp_path / "demo")
    assert (settings.models_dir / "compact").is_dir()
    assert (settings.encoder_precision, settings.encoder_runtime, settings.db_pool_size) == (
        "auto",
        "auto",
        5,
    )
