"""Runs an encoder in one thread of its own, behind a bounded queue: the ``Encoder`` that services know."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import numpy as np
import structlog

from app.domain.errors import Busy, NotReady
from app.domain.stopping import finish
from app.domain.types import RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, EncoderInfo, RgbImage, Vectors
from app.inference.encoder import BATCH_SIZES, LoadedEncoder, next_batch_size
from app.inference.memory import ProcessMemoryGuard

#: Calls that may wait for the thread, beside the one it works on. More scans than this get 503 at once.
QUEUE_SIZE = 16
#: How long closing waits for the batch in hand; the slowest, of ViT-L-14 in fp32, takes 11 to 12 s.
CLOSE_TIMEOUT_S = 15.0

P = ParamSpec("P")
T = TypeVar("T")


class EncoderRunner:
    """Implements ``app.domain.ports.Encoder``. Start it before use, close it after.

    torch starts a pool of OpenMP threads for every thread that calls it, so exactly one ever does: it loads
    the encoder, warms it up and computes every batch. Whoever stops waiting (a deadline, a client that left)
    cancels ``encode``; its work is then dropped from the queue, or after the batch in hand.

    Args:
        load: Loads the encoder; called once, in the thread.
        guard: Asked before each batch, told after it.
        queue_size: Calls that may wait.
    """

    def __init__(
        self, load: Callable[[], LoadedEncoder], guard: ProcessMemoryGuard, *, queue_size: int = QUEUE_SIZE
    ) -> None:
        self._load = load
        self._guard = guard
        self._queue_size = queue_size
        self._pending = 0
        self._encoder: LoadedEncoder | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encoder")
        self._running: set[Future[Any]] = set()

    @property
    def info(self) -> EncoderInfo:
        """Which encoder this is.

        Raises:
            NotReady: it is not loaded yet, or no longer.
        """
        return self._loaded().info

    async def start(self) -> None:
        """Loads and warms up.

        Raises:
            EncoderError: the folder's files are missing or wrong.
            ConfigurationError: a precision that does not exist.
        """
        self._encoder = await asyncio.wrap_future(self._submit(self._load_and_warm_up))

    async def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        """Embeds whole cards of any size.

        Args:
            crops: RGB uint8 pictures (height, width, 3), each filled by one card, upright.

        Returns:
            float32 (len(crops), dimension), unit length, owning its memory.

        Raises:
            Busy: too many calls wait already.
            MemoryTight: the guard refused a batch.
            NotReady: not started, or closed.
            InvalidParameter: a crop is no RGB uint8 picture.
        """
        encoder = self._loaded()
        if not len(crops):
            return np.empty((0, encoder.info.dimension), dtype=np.float32)
        if self._pending > self._queue_size:
            raise Busy(f"{self._pending} calls wait for the encoder already")
        abandoned = threading.Event()
        work = self._submit(self._encode_in_batches, encoder, crops, abandoned)
        self._pending += 1
        try:
            return await asyncio.wrap_future(work)
        finally:
            abandoned.set()  # no effect on work that is done
            self._pending -= 1

    async def close(self) -> None:
        """Drops what waits, finishes the batch in hand, ends the thread and forgets the encoder.

        A batch that takes longer than ``CLOSE_TIMEOUT_S`` is left: the database is still to be closed.
        """
        self._encoder = None
        self._thread.shutdown(wait=False, cancel_futures=True)
        if await finish(tuple(self._running), CLOSE_TIMEOUT_S):
            await asyncio.to_thread(self._thread.shutdown, wait=True)
        else:
            structlog.get_logger().warning("encoder_left_running", waited_s=CLOSE_TIMEOUT_S)

    def _submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = self._thread.submit(work, *args, **kwargs)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    def _loaded(self) -> LoadedEncoder:
        if self._encoder is None:
            raise NotReady("the encoder is not loaded")
        return self._encoder

    def _load_and_warm_up(self) -> LoadedEncoder:
        """Runs a batch of each size once: torch prepares kernels at first sight of a shape."""
        encoder = self._load()
        blank = np.full((RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, 3), 128, dtype=np.uint8)
        for size in BATCH_SIZES:
            encoder.encode_batch([blank] * size)
        self._guard.after_batch()
        return encoder

    def _encode_in_batches(
        self, encoder: LoadedEncoder, crops: Sequence[RgbImage], abandoned: threading.Event
    ) -> Vectors:
        vectors = np.empty((len(crops), encoder.info.dimension), dtype=np.float32)
        done = 0
        while done < len(crops) and not abandoned.is_set():
            size = next_batch_size(len(crops) - done, self._guard.admit_batch())
            vectors[done : done + size] = encoder.encode_batch(crops[done : done + size])
            done += size
            self._guard.after_batch()
        return vectors
