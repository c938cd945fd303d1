from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.api.security import KeyRing, Scope, presented_key, refuse_unsafe_listen
from app.domain.errors import ConfigurationError, ScopeMissing, Unauthenticated
from app.settings import Settings

HASHED = "sha256=" + hashlib.sha256(b"hashed-key").hexdigest()


def settings(api_keys: str = "", host: str = "127.0.0.1", **others: object) -> Settings:
    return Settings(_env_file=None, api_keys=SecretStr(api_keys), host=host, **others)


def ring(api_keys: str) -> KeyRing:
    return KeyRing.from_settings(settings(api_keys))


@pytest.mark.parametrize("api_keys", ["", " ", ",", " , "])
def test_no_keys_is_an_open_ring(api_keys: str) -> None:
    assert ring(api_keys).is_empty
    assert ring(api_keys).authorise(None, Scope.ADMIN) is None


def test_a_key_opens_what_its_scopes_say() -> None:
    keys = ring(f"a:identify:one, b:identify+correct:{HASHED} ,c:admin:with:colon")
    assert keys.authorise("one", Scope.IDENTIFY) == "a"
    assert keys.authorise("hashed-key", Scope.CORRECT) == "b"
    assert keys.authorise("with:colon", Scope.IDENTIFY) == "c"
    with pytest.raises(ScopeMissing, match="'a' lacks the scope 'correct'"):
        keys.authorise("one", Scope.CORRECT)
    with pytest.raises(ScopeMissing):
        keys.authorise("hashed-key", Scope.ADMIN)


def test_an_id_may_have_several_keys_while_one_takes_the_place_of_the_other() -> None:
    keys = ring("shop:identify+correct:old,shop:correct+identify:new")
    assert [keys.authorise(key, Scope.CORRECT) for key in ("old", "new")] == ["shop", "shop"]


def test_remarks_and_the_ends_of_lines_separate_entries_as_commas_do() -> None:
    keys = ring("# rotated in May, keep:identify:remark\na:identify:one\n\n  # b:admin:two\nc:correct:three,")
    assert [key.key_id for key in keys.keys] == ["a", "c"]


@pytest.mark.parametrize("key", [None, "", "two", "one ", HASHED, "\udcff"])
def test_another_key_opens_nothing(key: str | None) -> None:
    with pytest.raises(Unauthenticated):
        ring(f"a:identify:one,b:admin:{HASHED}").authorise(key, Scope.IDENTIFY)


def test_every_key_is_compared_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def counting(known: bytes, offered: bytes) -> bool:
        compared.append(known)
        return known == offered

    monkeypatch.setattr(hmac, "compare_digest", counting)
    keys = ring("a:identify:one,b:identify:two,c:identify:three")
    for key in ("one", "three"):
        compared.clear()
        keys.authorise(key, Scope.IDENTIFY)
        assert len(set(compared)) == 3


@pytest.mark.parametrize(
    ("api_keys", "words"),
    [
        ("TOPSECRET", "entry 1 of API_KEYS is not ID:SCOPES:KEY"),
        ("ok:identify:fine,TOPSECRET:identify", "entry 2 of API_KEYS"),
        ("TOP SECRET!:identify:x", "entry 1 of API_KEYS"),
        (":identify:TOPSECRET", "entry 1 of API_KEYS"),
        ("ci:read:TOPSECRET", "entry 'ci' of API_KEYS: scopes are some of identify, correct, admin"),
        ("ci::TOPSECRET", "entry 'ci' of API_KEYS: scopes"),
        ("ci:identify+:TOPSECRET", "entry 'ci' of API_KEYS: scopes"),
        ("ci:identify:", "entry 'ci' of API_KEYS has no key"),
        ("ci:identify:sha256=TOPSECRET", "entry 'ci' of API_KEYS: sha256= takes 64"),
        ("ci:identify:TOPSECRET,ci:admin:other", "the keys of 'ci' have different scopes"),
        ("a:identify:TOPSECRET,b:admin:TOPSECRET", "one key is given to several ids"),
    ],
)
def test_keys_that_cannot_be_read_are_refused_without_showing_them(api_keys: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ring(api_keys)
    assert words in str(refused.value)
    assert "SECRET" not in str(refused.value)
    # Neither in the chain that a traceback would print.
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "expected"),
    [
        (None, None, None),
        ("Bearer abc", None, "abc"),
        ("bearer  abc ", "other", "abc"),
        ("Basic abc", None, None),
        ("Bearer", "other", "other"),
        ("", "", None),
        (None, " abc ", "abc"),
    ],
)
def test_the_key_is_found_among_the_headers(
    authorization: str | None, x_api_key: str | None, expected: str | None
) -> None:
    assert presented_key(authorization, x_api_key) == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.10"])
def test_loopback_needs_no_keys(host: str) -> None:
    refuse_unsafe_listen(settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "cards.example", ""])
def test_without_keys_the_service_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ConfigurationError, match="set API_KEYS or API_KEYS_FILE first"):
        refuse_unsafe_listen(settings(host=host))
    refuse_unsafe_listen(settings("a:identify:one", host))


def test_open_access_has_to_be_asked_for_by_name() -> None:
    refuse_unsafe_listen(settings(host="0.0.0.0", allow_open_access=True))
    with pytest.raises(ConfigurationError, match="say ALLOW_OPEN_ACCESS=true"):
        refuse_unsafe_listen(settings(host="0.0.0.0"))


def test_a_file_of_keys_is_enough_to_listen_beyond_loopback(tmp_path: Path) -> None:
    refuse_unsafe_listen(settings(host="0.0.0.0", api_keys_file=tmp_path / "keys"))
