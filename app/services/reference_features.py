"""Makes the features of reference pictures that have none yet: after an import, and for older galleries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from app.domain.errors import InvalidInput
from app.domain.ports import References
from app.domain.types import StoredImage
from app.vision.local_features import make_features
from app.vision.stored import decode_reference

#: Pictures in one transaction.
_BATCH = 48


async def fill_features(references: References, progress: Callable[[int, int], None] | None = None) -> int:
    """Makes what is missing, by small batches: whatever stops it, the next run goes on where it stopped.

    Args:
        references: Where the pictures are.
        progress: Told after each batch how many pictures of how many are done.

    Returns:
        How many were made. Pictures that cannot be decoded any more are passed over, and logged.
    """
    total = await references.count_without_features()
    made, done, after = 0, 0, 0
    while batch := await references.without_features(after, _BATCH):
        features = await asyncio.to_thread(_make, batch)
        await references.put_features(features)
        made, done, after = made + len(features), done + len(batch), batch[-1][0]
        if progress is not None:
            progress(done, total)
    return made


def _make(batch: Sequence[tuple[int, StoredImage]]) -> list[tuple[int, bytes]]:
    made = []
    for number, image in batch:
        try:
            made.append((number, make_features(decode_reference(image.data))))
        except InvalidInput as error:
            structlog.get_logger().warning("reference_unreadable", reference=number, reason=str(error))
    return made
