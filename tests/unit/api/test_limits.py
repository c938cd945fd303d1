from __future__ import annotations

import pytest

from app.api.limits import (
    COMPARED_WRONG_KEYS_A_MINUTE,
    WRONG_KEYS_A_MINUTE,
    Counted,
    KeyLimit,
    KeyLimits,
    LoginLimit,
)
from app.domain.errors import LoginsLimited, RateLimited, Unauthenticated
from app.settings import Settings

MIDNIGHT_S = 86_400.0 * 20_000


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def spend(limit: KeyLimit, key_id: str | None, times: int) -> int:
    """How many of so many requests are taken."""
    taken = 0
    for _ in range(times):
        try:
            limit.take(key_id)
        except RateLimited:
            continue
        taken += 1
    return taken


def test_a_key_has_its_share_of_each_span_and_hears_when_the_next_begins() -> None:
    clock = Clock(MIDNIGHT_S + 10.2)
    limit = KeyLimit(3, 60, "scans of this minute", clock)
    assert spend(limit, "shop", 5) == 3
    with pytest.raises(RateLimited, match="key 'shop' has had its 3 scans of this minute") as refused:
        limit.take("shop")
    assert refused.value.retry_after_s == 50
    clock.now_s = MIDNIGHT_S + 59.999
    with pytest.raises(RateLimited) as refused:
        limit.take("shop")
    assert refused.value.retry_after_s == 1
    clock.now_s = MIDNIGHT_S + 60
    assert spend(limit, "shop", 5) == 3


def test_one_key_does_not_use_up_what_is_another_s() -> None:
    limit = KeyLimit(2, 60, "scans", Clock(MIDNIGHT_S))
    assert spend(limit, "greedy", 100) == 2
    assert spend(limit, "shop", 2) == 2


def test_what_is_given_back_can_be_taken_again_and_no_more_than_that() -> None:
    clock = Clock(MIDNIGHT_S)
    limit = KeyLimit(1, 60, "scans", clock)
    limit.give_back(limit.take("shop"))
    late = limit.take("shop")
    assert spend(limit, "shop", 3) == 0
    clock.now_s += 60
    assert spend(limit, "shop", 1) == 1
    limit.give_back(late)
    assert spend(limit, "shop", 3) == 0


@pytest.mark.parametrize(("most", "key_id"), [(0, "shop"), (1, None)])
def test_without_a_limit_or_without_keys_nothing_is_refused(most: int, key_id: str | None) -> None:
    assert spend(KeyLimit(most, 60, "scans", Clock(MIDNIGHT_S)), key_id, 1000) == 1000


def test_the_settings_say_how_many() -> None:
    limits = KeyLimits(Settings(_env_file=None, scans_per_minute=4, corrections_per_day=7))
    assert spend(limits.of(Counted.SCANS), "shop", 20) in (4, 8)  # 8 where a minute ends meanwhile
    assert spend(limits.of(Counted.CORRECTIONS), "shop", 20) in (7, 14)


def guess(limit: LoginLimit, address: str, times: int) -> int:
    """How many of so many wrong keys are called wrong; the others are told to wait."""
    told = 0
    for _ in range(times):
        try:
            with limit.attempt(address):
                raise Unauthenticated("this key is not known")
        except Unauthenticated:
            told += 1
        except LoginsLimited:
            continue
    return told


def test_wrong_keys_are_counted_by_address_and_right_ones_are_not() -> None:
    clock = Clock(MIDNIGHT_S)
    limit = LoginLimit(clock)
    for _ in range(3 * WRONG_KEYS_A_MINUTE):
        with limit.attempt("192.0.2.7"):
            pass
    assert guess(limit, "192.0.2.7", 50) == WRONG_KEYS_A_MINUTE
    words = r"address '192\.0\.2\.7' has had its 10 wrong keys"
    with pytest.raises(LoginsLimited, match=words), limit.attempt("192.0.2.7"):
        raise Unauthenticated("this key is not known")
    assert guess(limit, "192.0.2.8", 1) == 1
    clock.now_s += 60
    assert guess(limit, "192.0.2.7", 1) == 1


def test_a_right_key_is_let_in_however_many_wrong_ones_came_from_its_address() -> None:
    limit = LoginLimit(Clock(MIDNIGHT_S))
    guess(limit, "192.0.2.7", 20 * WRONG_KEYS_A_MINUTE)
    for _ in range(2 * COMPARED_WRONG_KEYS_A_MINUTE):
        with limit.attempt("192.0.2.7"):
            pass


def test_after_very_many_wrong_keys_none_is_looked_at_until_the_minute_is_over() -> None:
    clock = Clock(MIDNIGHT_S)
    limit = LoginLimit(clock)
    guess(limit, "192.0.2.7", COMPARED_WRONG_KEYS_A_MINUTE)
    with pytest.raises(LoginsLimited) as refused, limit.attempt("192.0.2.7"):
        raise AssertionError("is looked at")
    assert refused.value.retry_after_s == 60
    with limit.attempt("192.0.2.8"):
        pass
    clock.now_s += 60
    with limit.attempt("192.0.2.7"):
        pass


def test_a_failure_of_ours_is_no_wrong_key() -> None:
    limit = LoginLimit(Clock(MIDNIGHT_S))
    for _ in range(2 * WRONG_KEYS_A_MINUTE):
        with pytest.raises(RuntimeError), limit.attempt("192.0.2.7"):
            raise RuntimeError
    assert guess(limit, "192.0.2.7", 50) == WRONG_KEYS_A_MINUTE


def test_a_network_of_ipv6_is_one_address() -> None:
    limit = LoginLimit(Clock(MIDNIGHT_S))
    assert sum(guess(limit, f"2001:db8:0:1::{number:x}", 1) for number in range(50)) == WRONG_KEYS_A_MINUTE
    assert guess(limit, "2001:db8:0:2::1", 1) == 1


def test_more_addresses_than_are_counted_share_one_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.limits._MOST_ADDRESSES", 3)
    limit = LoginLimit(Clock(MIDNIGHT_S))
    looked_at = sum(guess(limit, f"192.0.2.{number}", 1) for number in range(200))
    assert looked_at == 3 + WRONG_KEYS_A_MINUTE
