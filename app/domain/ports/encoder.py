"""What services need of the machine: an encoder, and a guard over its memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from app.domain.types import EncoderInfo, MemorySnapshot, RgbImage, Vectors


class Encoder(Protocol):
    """Turns rectified cards into unit vectors."""

    @property
    def info(self) -> EncoderInfo:
        """Which encoder this is."""
        ...

    async def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        """Embeds whole cards of any size.

        Args:
            crops: RGB uint8 pictures (height, width, 3), each filled by one card, upright.

        Returns:
            float32 (len(crops), dimension), unit length, owning its memory. (0, dimension) for no crops.

        Raises:
            MemoryTight: the guard refused the batch.
        """
        ...


class MemoryGuard(Protocol):
    """Watches the process's anonymous memory and says when to stop taking work."""

    def admit(self, pending: int = 0) -> None:
        """Lets one more scan in beside ``pending`` admitted ones, which may not have used their share yet.

        Raises:
            MemoryTight: that would bring the process too close to its limit.
        """
        ...

    def reserve(self, need_bytes: int) -> Callable[[], None]:
        """Keeps room for what a scan is about to allocate, until the function it returns is called.

        Raises:
            MemoryTight: there is no room for that.
        """
        ...

    def has_room(self, pending: int = 0) -> bool:
        """Whether ``admit`` would let one more scan in; changes and counts nothing."""
        ...

    def snapshot(self) -> MemorySnapshot:
        """What it sees now."""
        ...
