from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.commands.demo import _demo_settings


def test_the_demo_asks_for_no_key_and_listens_on_loopback_whatever_the_service_is_set_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("API_KEYS", "me:admin:a-key-of-the-service")
    monkeypatch.setenv("API_KEYS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("HOST", "0.0.0.0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/cards")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings = _demo_settings(port=8123)
    assert (settings.api_keys.get_secret_value(), settings.api_keys_file) == ("", None)
    assert (settings.host, settings.port) == ("127.0.0.1", 8123)
    assert (settings.database_url, settings.data_dir) == (None, tmp_path / "demo")
