"""Keys come and go while the service runs; a broken file changes nothing and says why, without a key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.api import key_file
from app.api.key_file import KeyFile
from app.api.security import KeyRing, Scope, parse_keys
from app.domain.errors import ConfigurationError, Unauthenticated


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text("shop:identify:old-secret\n")
    return path


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(parse_keys("fixed:admin:env-secret", "API_KEYS"))


@pytest.fixture
def file(path: Path, ring: KeyRing) -> KeyFile:
    opened = KeyFile(path, ring)
    opened.read()
    return opened


@pytest.fixture
def logs() -> Iterator[list]:
    with capture_logs() as lines:
        yield lines
    assert "secret" not in repr(lines)


def knows(ring: KeyRing, key: str) -> bool:
    try:
        ring.authorise(key, Scope.IDENTIFY)
    except Unauthenticated:
        return False
    return True


def test_keys_of_the_file_hold_beside_those_of_the_setting(file: KeyFile, ring: KeyRing) -> None:
    assert knows(ring, "old-secret") and knows(ring, "env-secret")


def test_a_key_is_rotated_in_two_steps_without_a_gap(
    file: KeyFile, ring: KeyRing, path: Path, logs: list
) -> None:
    path.write_text("shop:identify:old-secret\nshop:identify:new-secret\n")
    file.look()
    assert knows(ring, "old-secret") and knows(ring, "new-secret")
    path.write_text("shop:identify:new-secret\n")
    file.look()
    assert not knows(ring, "old-secret")
    assert knows(ring, "new-secret") and knows(ring, "env-secret")
    assert [(line["event"], line["came"], line["went"]) for line in logs] == [
        ("api_keys_read", ["shop"], []),
        ("api_keys_read", [], ["shop"]),
    ]


def test_a_file_that_did_not_change_is_left_alone(file: KeyFile, logs: list) -> None:
    file.look()
    file.look()
    assert logs == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no keys"),
        (b"# all taken out\n", "has no keys"),
        (b"my-secret\n", "entry 1 of API_KEYS_FILE is not ID:SCOPES:KEY"),
        (b"shop:identify:new-secret\nshop:admin:other-secret", "different scopes"),
        (b"other:identify:env-secret", "one key is given to several ids"),
        (b"shop:identify:\xff\xfesecret", "is not UTF-8 text"),
        (b"shop:identify:secret\n" * 60_000, "is larger than"),
    ],
)
def test_a_broken_file_leaves_the_old_keys_and_is_logged_once(
    content: bytes, words: str, file: KeyFile, ring: KeyRing, path: Path, logs: list
) -> None:
    path.write_bytes(content)
    for _ in range(3):
        file.look()
    assert knows(ring, "old-secret") and knows(ring, "env-secret")
    assert not knows(ring, "new-secret")
    [line] = logs
    assert (line["event"], line["log_level"], words in line["reason"]) == ("api_keys_kept", "error", True)
    assert not file.is_current


def test_a_file_that_is_gone_leaves_the_old_keys_until_it_is_back(
    file: KeyFile, ring: KeyRing, path: Path, logs: list
) -> None:
    path.unlink()
    file.look()
    file.look()
    assert knows(ring, "old-secret") and not file.is_current
    path.write_text("shop:identify:new-secret")
    file.look()
    assert file.is_current and knows(ring, "new-secret") and not knows(ring, "old-secret")
    assert [line["event"] for line in logs] == ["api_keys_kept", "api_keys_read"]


def test_the_old_content_coming_back_after_a_broken_one_is_current_again(
    file: KeyFile, path: Path, logs: list
) -> None:
    whole = path.read_text()
    path.write_text("")
    file.look()
    path.write_text(whole)
    file.look()
    assert file.is_current


@pytest.mark.parametrize("content", [None, "", "nonsense"])
def test_a_service_does_not_start_with_a_broken_file(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "keys").write_text(content)
    with pytest.raises(ConfigurationError, match="API_KEYS_FILE"):
        KeyFile(tmp_path / "keys", KeyRing([])).read()


async def test_looking_goes_on_after_an_error_of_ours(
    file: KeyFile, ring: KeyRing, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_file, "POLL_S", 0.0)
    look, failures = file.look, [RuntimeError("a mistake of ours")]

    def failing_once() -> None:
        if failures:
            raise failures.pop()
        look()

    monkeypatch.setattr(file, "look", failing_once)
    path.write_text("shop:identify:new-secret")
    with capture_logs() as lines:
        looking = asyncio.create_task(file.keep_looking())
        async with asyncio.timeout(20):
            while not knows(ring, "new-secret"):
                await asyncio.sleep(0.01)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
    assert [line["event"] for line in lines] == ["api_keys_kept", "api_keys_read"]
