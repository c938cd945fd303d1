import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from app.domain.errors import Busy, EncoderFileMissing, InvalidParameter, MemoryTight, NotReady
from app.domain.ports import Encoder
from app.domain.types import RgbImage, Vectors
from app.inference.encoder import LoadedEncoder
from app.inference.loading import load_encoder
from app.inference.memory import ProcessMemoryGuard
from app.inference.process_memory import MemoryLimit
from app.inference.runner import EncoderRunner
from tests.encoders import draw_crops


class Gate:
    """Holds batches of the encoder it wraps until a test lets them through, and notes the thread of each."""

    def __init__(self, folder: Path) -> None:
        self.encoder = load_encoder(folder, precision="fp32")
        self.info = self.encoder.info
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.sizes: list[int] = []
        self.threads: set[int] = set()

    def encode_batch(self, crops: Sequence[RgbImage]) -> Vectors:
        self.threads.add(threading.get_ident())
        self.sizes.append(len(crops))
        self.entered.set()
        assert self.open.wait(timeout=20)
        return self.encoder.encode_batch(crops)


@asynccontextmanager
async def running(
    load: Callable[[], object], limit: MemoryLimit | None = None, queue_size: int = 16
) -> AsyncIterator[EncoderRunner]:
    runner = EncoderRunner(load, ProcessMemoryGuard(limit), queue_size=queue_size)  # type: ignore[arg-type]
    try:
        await runner.start()
        yield runner
    finally:
        await runner.close()


async def test_it_gives_the_vectors_of_the_encoder(shared_tiny_encoder: Path) -> None:
    direct: LoadedEncoder = load_encoder(shared_tiny_encoder, precision="fp32")
    crops = draw_crops(12)
    async with running(lambda: load_encoder(shared_tiny_encoder, precision="fp32")) as runner:
        encoder: Encoder = runner
        vectors = await encoder.encode(crops)
        assert (await encoder.encode([])).shape == (0, 32)
        assert encoder.info == direct.info
    np.testing.assert_allclose(vectors, direct.encode_now(crops), atol=2e-6)


async def test_all_work_runs_in_one_thread_that_is_not_the_event_loops(shared_tiny_encoder: Path) -> None:
    gate = Gate(shared_tiny_encoder)
    async with running(lambda: gate) as runner:
        await asyncio.gather(*(runner.encode(draw_crops(2, seed)) for seed in range(4)))
    assert len(gate.threads) == 1
    assert threading.get_ident() not in gate.threads


async def test_a_batch_of_each_size_is_warmed_up_before_it_is_ready(
    shared_tiny_encoder: Path,
) -> None:
    gate = Gate(shared_tiny_encoder)
    async with running(lambda: gate):
        assert gate.sizes == [3, 2, 1]


async def test_an_encoder_that_does_not_load_never_becomes_ready(tmp_path: Path) -> None:
    runner = EncoderRunner(lambda: load_encoder(tmp_path / "absent"), ProcessMemoryGuard(None))
    with pytest.raises(EncoderFileMissing):
        await runner.start()
    with pytest.raises(NotReady):
        _ = runner.info
    with pytest.raises(NotReady):
        await runner.encode(draw_crops(1))
    await runner.close()


async def test_an_error_in_the_thread_reaches_the_caller_and_the_next_call_works(
    shared_tiny_encoder: Path,
) -> None:
    async with running(lambda: load_encoder(shared_tiny_encoder)) as runner:
        with pytest.raises(InvalidParameter):
            await runner.encode([np.zeros((4, 4), dtype=np.uint8)])
        assert (await runner.encode(draw_crops(1))).shape == (1, 32)


async def test_more_calls_than_the_queue_holds_are_refused_at_once(shared_tiny_encoder: Path) -> None:
    gate = Gate(shared_tiny_encoder)
    async with running(lambda: gate, queue_size=1) as runner:
        gate.open.clear()
        waiting = [asyncio.create_task(runner.encode(draw_crops(1))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await runner.encode(draw_crops(1))
        gate.open.set()
        assert [len(vectors) for vectors in await asyncio.gather(*waiting)] == [1, 1]
        assert len(await runner.encode(draw_crops(1))) == 1


async def test_when_the_caller_gives_up_the_rest_of_the_work_is_dropped(shared_tiny_encoder: Path) -> None:
    gate = Gate(shared_tiny_encoder)
    async with running(lambda: gate) as runner:
        gate.sizes.clear()
        gate.entered.clear()
        gate.open.clear()
        early = asyncio.create_task(runner.encode(draw_crops(9 * 5)))
        assert await asyncio.to_thread(gate.entered.wait, 20)
        early.cancel()
        with pytest.raises(asyncio.CancelledError):
            await early
        late = asyncio.create_task(runner.encode(draw_crops(2)))
        gate.open.set()
        await late
        assert gate.sizes == [3, 2]


async def test_a_call_that_is_given_up_while_it_waits_never_runs(shared_tiny_encoder: Path) -> None:
    gate = Gate(shared_tiny_encoder)
    async with running(lambda: gate) as runner:
        gate.sizes.clear()
        gate.entered.clear()
        gate.open.clear()
        first = asyncio.create_task(runner.encode(draw_crops(1)))
        await asyncio.to_thread(gate.entered.wait, 20)
        second = asyncio.create_task(runner.encode(draw_crops(6)))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second  # the thread must not be let go before the cancellation has reached the work
        gate.open.set()
        await first
        await runner.encode(draw_crops(2))
        assert gate.sizes == [1, 2]


async def test_a_batch_is_refused_when_the_limit_is_reached(shared_tiny_encoder: Path) -> None:
    used = [0]
    limit = MemoryLimit(1000, lambda: used[0])
    async with running(lambda: load_encoder(shared_tiny_encoder), limit) as runner:
        used[0] = 1000
        with pytest.raises(MemoryTight):
            await runner.encode(draw_crops(1))
        used[0] = 0
        assert len(await runner.encode(draw_crops(1))) == 1


async def test_closing_drops_what_waits_and_refuses_what_comes_later(shared_tiny_encoder: Path) -> None:
    gate = Gate(shared_tiny_encoder)
    async with running(lambda: gate) as runner:
        gate.entered.clear()
        gate.open.clear()
        first = asyncio.create_task(runner.encode(draw_crops(1)))
        await asyncio.to_thread(gate.entered.wait, 20)
        waiting = asyncio.create_task(runner.encode(draw_crops(1)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(runner.close())
        await asyncio.wait({waiting}, timeout=20)
        assert waiting.cancelled()
        gate.open.set()
        await closing
        assert len(await first) == 1
        with pytest.raises(NotReady):
            await runner.encode(draw_crops(1))


async def test_closing_leaves_a_batch_that_hangs(
    shared_tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inference.runner.CLOSE_TIMEOUT_S", 0.1)
    gate = Gate(shared_tiny_encoder)
    async with running(lambda: gate) as runner:
        gate.entered.clear()
        gate.open.clear()
        hanging = asyncio.create_task(runner.encode(draw_crops(1)))
        await asyncio.to_thread(gate.entered.wait, 20)
        with capture_logs() as lines:
            async with asyncio.timeout(10):
                await runner.close()
        assert [line["event"] for line in lines] == ["encoder_left_running"]
        gate.open.set()
        assert len(await hanging) == 1
