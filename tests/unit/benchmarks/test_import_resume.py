"""The benchmark of resumed imports says by its exit status whether they lost anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import import_resume


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, dict[str, object]]:
    """Databases by the name of their folder, in the place of real imports."""
    databases: dict[str, dict[str, object]] = {
        name: {"images": 8, "templates": 24, "templates_sha256": "a"} for name in ("whole", "broken")
    }

    async def contents(data_dir: Path) -> dict[str, object]:
        return databases[data_dir.parent.name]

    manifest = tmp_path / "cards.csv"
    manifest.write_text("card_id,name,image\n")
    monkeypatch.setattr("sys.argv", ["import_resume", str(manifest), "--images", str(tmp_path)])
    monkeypatch.setattr(import_resume, "contents", contents)
    monkeypatch.setattr(import_resume, "import_all", lambda *_: 2.0)
    monkeypatch.setattr(import_resume, "kill_half_way", lambda *_: 12)
    monkeypatch.setattr(import_resume, "write_result", lambda *_: None)
    return databases


def test_a_resumed_import_that_holds_the_same_is_a_success(
    measured: dict[str, dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    import_resume.main()
    assert "same result" in capsys.readouterr().out


def test_a_resumed_import_that_holds_something_else_is_a_failure(
    measured: dict[str, dict[str, object]],
) -> None:
    measured["broken"]["templates_sha256"] = "b"
    with pytest.raises(SystemExit, match="DIFFERENT") as raised:
        import_resume.main()
    assert raised.value.code != 0
