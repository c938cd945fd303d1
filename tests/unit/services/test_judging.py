"""Judgements: one at a time, shared by those who wait, and never missed by whoever changed something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import pytest

from app.domain.errors import DatabaseUnavailable
from app.domain.learning_types import Decision, Judged, LearningLimits, Study
from app.services.learning.judging import Judging
from tests.fakes.learning import NothingToLearn


class SlowStore(NothingToLearn):
    """Counts who is inside, and judges when it is let; the first ``failures`` judgements fail."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.begun = asyncio.Event()
        self.inside = self.most_inside = 0
        self._failures = failures

    async def judge(self, decide: Callable[[Sequence[Study]], Mapping[UUID, Decision]]) -> Judged:
        self.judged += 1
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.begun.set()
        try:
            await self.let.wait()
        finally:
            self.inside -= 1
        if self.judged <= self._failures:
            raise DatabaseUnavailable("away")
        return Judged(self.judged)


def ask(judging: Judging, count: int = 1) -> list[asyncio.Task[object]]:
    return [asyncio.create_task(judging.judge()) for _ in range(count)]


async def test_those_who_come_during_a_judgement_share_the_next_one() -> None:
    store = SlowStore()
    judging = Judging(store, LearningLimits())
    early = ask(judging)
    await store.begun.wait()
    late = ask(judging, 100)
    await asyncio.sleep(0)
    assert judging.is_behind
    store.let.set()
    assert [report.changed for report in await asyncio.gather(*early)] == [1]
    assert {report.changed for report in await asyncio.gather(*late)} == {2}  # one that began after they came
    assert (store.judged, store.most_inside) == (2, 1)
    assert not judging.is_behind


async def test_where_the_one_who_judges_gives_up_the_next_in_line_does_it() -> None:
    store = SlowStore()
    judging = Judging(store, LearningLimits())
    first = ask(judging)[0]
    await store.begun.wait()
    others = ask(judging, 2)
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    store.let.set()
    assert {report.changed for report in await asyncio.gather(*others)} == {2}


async def test_a_judgement_that_fails_fails_for_all_who_wait_for_it_and_stays_to_be_done() -> None:
    store = SlowStore(failures=2)
    judging = Judging(store, LearningLimits())
    early = ask(judging)
    await store.begun.wait()
    late = ask(judging, 100)
    store.let.set()
    outcomes = await asyncio.gather(*early, *late, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailable}
    assert store.judged == 2  # a database that is away is not asked a hundred times, one after the other
    assert judging.is_behind
    await judging.judge()
    assert not judging.is_behind


async def test_nobody_begins_to_judge_while_it_is_paused() -> None:
    store = SlowStore()
    store.let.set()
    judging = Judging(store, LearningLimits())
    async with judging.paused():
        waiting = ask(judging)[0]
        await asyncio.sleep(0)
        assert store.judged == 0
    await waiting
    assert store.judged == 1
