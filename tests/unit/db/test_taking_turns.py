"""The dashboard's statements, taken by whichever connection is free."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import pytest

from app.db.quality import _rows


class Statements:
    """Work that notes who began and ended it, and ends when it is told to."""

    def __init__(self) -> None:
        self.began: list[tuple[str, str]] = []
        self.ended: list[str] = []
        self._gates: dict[str, asyncio.Future[None]] = {}

    def __call__(self, name: str) -> Callable[[str], Awaitable[dict[str, list[str]]]]:
        async def fetch(view: str) -> dict[str, list[str]]:
            self.began.append((name, view))
            gate = self._gates[name] = asyncio.get_running_loop().create_future()
            try:
                await gate
            except asyncio.CancelledError:
                await asyncio.sleep(0.01)  # a statement is cancelled at the server before this ends
                raise
            finally:
                self.ended.append(name)
            return {name: [name]}

        return fetch

    async def end(self, name: str, failure: Exception | None = None) -> None:
        async with asyncio.timeout(5):
            while name not in self._gates:
                await asyncio.sleep(0)
        gate = self._gates.pop(name)
        gate.set_result(None) if failure is None else gate.set_exception(failure)
        await asyncio.sleep(0.001)


@pytest.fixture
def statements() -> Statements:
    return Statements()


async def test_a_connection_takes_the_next_statement_as_soon_as_it_is_free(statements: Statements) -> None:
    task = asyncio.create_task(_rows(["one", "two"], deque(map(statements, ["long", "a", "b"]))))
    await statements.end("a")
    await statements.end("b")
    await statements.end("long")
    assert set(await asyncio.wait_for(task, 5)) == {"long", "a", "b"}
    assert statements.began == [("long", "one"), ("a", "two"), ("b", "two")]


async def test_one_connection_does_all_the_work(statements: Statements) -> None:
    task = asyncio.create_task(_rows(["only"], deque(map(statements, ["a", "b"]))))
    await statements.end("a")
    await statements.end("b")
    assert set(await asyncio.wait_for(task, 5)) == {"a", "b"}


async def test_after_a_failure_nothing_begins_and_what_has_begun_ends_before_it_is_told(
    statements: Statements,
) -> None:
    task = asyncio.create_task(_rows(["one", "two"], deque(map(statements, ["long", "bad", "never"]))))
    await statements.end("bad", KeyError("bad"))
    assert not task.done()
    await statements.end("long")
    with pytest.raises(KeyError, match="bad"):
        await asyncio.wait_for(task, 5)
    assert [name for name, _ in statements.began] == ["long", "bad"]


async def test_of_two_failures_the_first_is_told(statements: Statements) -> None:
    task = asyncio.create_task(_rows(["one", "two"], deque(map(statements, ["long", "bad"]))))
    await statements.end("bad", KeyError("the connection was lost"))
    await statements.end("long", ValueError("it took too long"))
    with pytest.raises(KeyError):
        await asyncio.wait_for(task, 5)


async def test_whoever_is_cancelled_waits_until_no_statement_runs(statements: Statements) -> None:
    task = asyncio.create_task(_rows(["one", "two"], deque(map(statements, ["a", "b", "never"]))))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert sorted(statements.ended) == ["a", "b"]
