from __future__ import annotations

import pytest

from app.api.limits import Counted, KeyLimit, KeyLimits
from app.domain.errors import RateLimited
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
    limit.take("shop")
    limit.give_back("shop")
    limit.give_back("shop")
    assert spend(limit, "shop", 3) == 1
    clock.now_s += 60
    limit.give_back("shop")
    assert spend(limit, "shop", 3) == 1


@pytest.mark.parametrize(("most", "key_id"), [(0, "shop"), (1, None)])
def test_without_a_limit_or_without_keys_nothing_is_refused(most: int, key_id: str | None) -> None:
    assert spend(KeyLimit(most, 60, "scans", Clock(MIDNIGHT_S)), key_id, 1000) == 1000


def test_the_settings_say_how_many() -> None:
    limits = KeyLimits(Settings(_env_file=None, scans_per_minute=4, corrections_per_day=7))
    assert spend(limits.of(Counted.SCANS), "shop", 20) in (4, 8)  # 8 where a minute ends meanwhile
    assert spend(limits.of(Counted.CORRECTIONS), "shop", 20) in (7, 14)
