from __future__ import annotations

import stat
from pathlib import Path

from structlog.testing import capture_logs

from app.db.postgres_files import let_enter


def test_each_folder_that_is_opened_is_named_in_the_log_once(tmp_path: Path) -> None:
    closed, inner = tmp_path / "closed", tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.chmod(0o755)
    closed.chmod(0o700)
    with capture_logs() as lines:
        let_enter(inner)
    named = [line["folder"] for line in lines if line["log_level"] == "info"]
    assert str(closed) in named
    assert str(inner) not in named
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701
    with capture_logs() as lines:
        let_enter(inner)
    assert lines == []
