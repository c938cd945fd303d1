"""The token of a login cookie: whose it is, and everything that it must not be taken for."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.login import LIFETIME_S, LONGEST_S, Login, Logins
from app.api.security import ApiKey, KeyRing, Scope, parse_keys
from app.domain.errors import Unauthenticated

NOON_S = 1_800_000_000
SECRET = bytes(range(32))
KEYS = "shop:identify:one,shop:identify:two,dotted.id-1:identify+correct:three"


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now_s: float = NOON_S) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def logins(keys: str = KEYS, secret: bytes = SECRET, clock: Clock | None = None) -> Logins:
    return Logins(secret, KeyRing(parse_keys(keys, "API_KEYS")), clock or Clock())


def token(presented: str = "one", keys: str = KEYS, since_s: int = NOON_S) -> str:
    maker = logins(keys, clock=Clock(since_s))
    return maker.token(maker.begin(KeyRing(parse_keys(keys, "API_KEYS")).recognise(presented)))


@pytest.mark.parametrize("presented", ["one", "two", "three"])
def test_a_token_says_which_key_it_was_given_for(presented: str) -> None:
    login = logins().read(token(presented))
    assert login.key.key_sha256 == hashlib.sha256(presented.encode()).digest()
    assert (login.since_s, login.expires_s) == (NOON_S, NOON_S + LIFETIME_S)


def test_a_token_holds_neither_the_key_nor_its_hash() -> None:
    made = token("three")
    assert "three" not in made
    assert hashlib.sha256(b"three").hexdigest() not in made


def test_a_token_ends() -> None:
    clock = Clock(NOON_S + LIFETIME_S - 0.001)
    assert logins(clock=clock).read(token()).key.key_id == "shop"
    clock.now_s += 0.001
    with pytest.raises(Unauthenticated, match="this login has ended"):
        logins(clock=clock).read(token())


@pytest.mark.parametrize(
    "keys",
    [
        "shop:identify:two,dotted.id-1:identify+correct:three",  # the other key of the same id stays
        "other:identify:one",  # the key has another id now
        "shop:identify:new",
        "",
    ],
)
def test_a_token_ends_with_its_key(keys: str) -> None:
    with pytest.raises(Unauthenticated):
        logins(keys).read(token("one"))


def test_a_token_has_the_scopes_that_its_key_has_now() -> None:
    assert logins("shop:admin:one").read(token("one")).key.may(Scope.ADMIN)
    assert not logins().read(token("one")).key.may(Scope.ADMIN)


def test_neither_the_hash_nor_the_secret_alone_makes_a_token() -> None:
    """A hash may stand in a configuration, the secret in a backup."""
    [key] = parse_keys(f"shop:identify:sha256={hashlib.sha256(b'one').hexdigest()}", "API_KEYS")
    guessed_secret = logins(secret=bytes(32))
    guessed_hash = ApiKey("shop", key.scopes, bytes(32))
    for made in (
        guessed_secret.token(guessed_secret.begin(key)),
        logins().token(logins().begin(guessed_hash)),
    ):
        with pytest.raises(Unauthenticated):
            logins().read(made)


@pytest.mark.parametrize(
    "changed",
    [
        lambda made: made[:-1],
        lambda made: made[1:],
        lambda made: made + "A",
        lambda made: made + "=",
        lambda made: " " + made,
        lambda made: made + "\n",
        lambda made: made.rpartition(".")[0],
        lambda made: made.rpartition(".")[0] + ".",
        lambda made: made.replace("shop", "dotted.id-1"),
        lambda made: made.replace("shop", "Shop"),
        lambda made: f"{NOON_S}.{NOON_S + 10**9}.{made.split('.', 2)[2]}",
        lambda made: "0" + made,
        lambda made: made.replace("1", "١"),
        lambda made: "",
        lambda made: "...",
        lambda made: "one",
    ],
)
def test_a_token_that_was_changed_is_nobody_s(changed) -> None:
    with pytest.raises(Unauthenticated):
        logins().read(changed(token()))


@given(st.text(max_size=300))
def test_whatever_else_comes_is_nobody_s(text: str) -> None:
    with pytest.raises(Unauthenticated):
        logins().read(text)


@given(st.integers(0, len(token()) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_not_one_character_may_be_another(place: int, character: str) -> None:
    made = token()
    changed = made[:place] + character + made[place + 1 :]
    if changed != made:
        with pytest.raises(Unauthenticated):
            logins().read(changed)


def test_a_login_is_renewed_in_its_second_half_and_ends_a_week_after_the_key_was_given() -> None:
    clock = Clock()
    maker = logins(clock=clock)
    login = maker.read(token())
    assert maker.renewed(login) is None
    renewals = 0
    while login.expires_s > clock.now_s:
        clock.now_s += 3600
        if (later := maker.renewed(login)) is not None:
            assert later.expires_s > login.expires_s
            assert maker.read(maker.token(later)) == later
            login = later
            renewals += 1
    assert login.expires_s == NOON_S + LONGEST_S
    assert 20 < renewals < 30


def test_the_time_left_is_never_negative() -> None:
    [key] = parse_keys("shop:identify:one", "API_KEYS")
    assert logins().seconds_left(Login(key, 0, NOON_S - 5)) == 0
