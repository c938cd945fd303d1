"""Takes what people say about a scan; what is learnt from it is the learning loop's business."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import nullcontext
from uuid import UUID

from app.domain.correction_types import Correction, NewCorrection, Verdict
from app.domain.errors import InvalidParameter, NotFound
from app.domain.geometry import is_convex, polygon_area, side_lengths
from app.domain.ports import Gallery, ScanStore
from app.domain.types import Quad, StoredImage
from app.services.admission import Admission
from app.services.learning.loop import LearningLoop
from app.services.reading import CROP_JPEG_QUALITY, as_jpeg
from app.vision.decode import Reserve, decode_image
from app.vision.rectify import rectify

#: A note is a sentence or two for the person who reviews, not a document.
MAX_NOTE_CHARS = 2000
#: A card with a shorter side cannot be read, and is a slip of the hand; detection finds none that small.
MIN_QUAD_SIDE_PX = 20


class CorrectionService:
    """Stores corrections, once for each idempotency key, with the crop they speak about."""

    def __init__(
        self,
        scans: ScanStore,
        gallery: Gallery,
        admission: Admission,
        max_image_pixels: int,
        learning: LearningLoop | None = None,
    ) -> None:
        """Wires it.

        Args:
            scans: Where corrections and crops are kept.
            gallery: Cards that can be named.
            admission: The permits that scans share.
            max_image_pixels: The largest stored picture that is decoded again.
            learning: Told of what comes and goes; None where nothing is learnt.
        """
        self._learning = learning
        self._scans = scans
        self._gallery = gallery
        self._admission = admission
        self._max_image_pixels = max_image_pixels
        self._cutting: set[asyncio.Task[StoredImage]] = set()

    async def submit(self, correction: NewCorrection) -> tuple[Correction, bool]:
        """Stores a correction as ``pending``.

        Returns:
            The correction, and whether it is new (False: its idempotency key had already stored it).

        Raises:
            InvalidParameter: the fields do not go together.
            NotFound: unknown detection, scan or card.
            IdempotencyConflict: the key was used with another body.
            Busy: every permit is taken, and a missed card has to be cut out of its scan.
            MemoryTight: there is no room to do that.
            UploadTooLarge: the stored picture is larger than what is decoded now.
        """
        _check_fields(correction)
        body_sha256 = _body_hash(correction)
        # Before anything is looked for: what was stored stays the answer when its card or scan is gone.
        if correction.idempotency_key is not None:
            earlier = await self._scans.find_correction(
                correction.idempotency_key, correction.key_id, body_sha256
            )
            if earlier is not None:
                return earlier, False
        if correction.card_id is not None and await self._gallery.get_card(correction.card_id) is None:
            raise NotFound(f"no card {correction.card_id!r} in the gallery")
        crop = None
        if correction.scan_id is not None and correction.quad_px is not None:
            crop = await self._cut_missed_card(correction.scan_id, correction.quad_px)
        stored, is_new = await self._scans.add_correction(correction, body_sha256, crop)
        if self._learning is not None:
            self._learning.wake()
        return stored, is_new

    async def get(self, correction_id: UUID) -> Correction:
        """What became of a correction. Raises NotFound."""
        correction = await self._scans.get_correction(correction_id)
        if correction is None:
            raise NotFound(f"no correction {correction_id}")
        return correction

    async def undo(self, correction_id: UUID) -> Correction:
        """Takes a correction back, with everything it changed; undoing twice is the same.

        Raises:
            NotFound: no such correction.
            Unavailable: it may be taken back already, and what follows from that is not: ask again.
        """
        # Here, where waiting takes no connection, and not in the database while a judgement is under way.
        async with nullcontext() if self._learning is None else self._learning.no_judging():
            undone = await self._scans.undo_correction(correction_id)
        if undone is None:
            raise NotFound(f"no correction {correction_id}")
        correction, is_new = undone
        # Others may have been judged by it. Asked again, it has been done, unless that failed.
        if self._learning is not None and (is_new or self._learning.is_behind):
            await self._learning.judge()
        return correction

    async def _cut_missed_card(self, scan_id: UUID, quad_px: Quad) -> StoredImage:
        # A whole page is decoded again, so this takes a permit as a scan does. The thread cannot be stopped:
        # where nobody waits for it any more, the shielded task keeps the permit until it is done.
        cutting = asyncio.create_task(self._cut_with_permit(scan_id, quad_px))
        self._cutting.add(cutting)
        cutting.add_done_callback(self._cutting.discard)
        return await asyncio.shield(cutting)

    async def _cut_with_permit(self, scan_id: UUID, quad_px: Quad) -> StoredImage:
        async with self._admission.permit():
            stored = await self._scans.scan_image(scan_id)
            if stored is None:
                raise NotFound(f"no scan {scan_id}, or its picture has been deleted")
            with self._admission.scan_memory() as memory:
                return await asyncio.to_thread(_cut, stored, quad_px, self._max_image_pixels, memory.reserve)


def _cut(stored: StoredImage, quad_px: Quad, max_pixels: int, reserve: Reserve) -> StoredImage:
    # Its bytes are in memory already, and stored again they may be more than were uploaded; pixels count.
    image = decode_image(
        stored.data, max_upload_bytes=len(stored.data), max_pixels=max_pixels, reserve=reserve
    )
    height_px, width_px = image.shape[:2]
    if (quad_px < 0).any() or (quad_px > (width_px, height_px)).any():
        raise InvalidParameter(f"quad: every corner must lie inside the {width_px} x {height_px} px picture")
    return as_jpeg(rectify(image, quad_px), CROP_JPEG_QUALITY)


def _check_fields(correction: NewCorrection) -> None:
    of_detection = correction.detection_id is not None
    of_scan = correction.scan_id is not None or correction.quad_px is not None
    if of_detection == of_scan:
        raise InvalidParameter("name either detection_id, or scan_id with quad for a card that was missed")
    if not of_detection and (correction.scan_id is None or correction.quad_px is None):
        raise InvalidParameter("a card that was missed needs both scan_id and quad")
    if (correction.verdict is Verdict.CARD) != (correction.card_id is not None):
        raise InvalidParameter("card_id goes with the verdict 'card', and only with it")
    if not of_detection and correction.verdict is Verdict.NOT_A_CARD:
        raise InvalidParameter("a card that was missed cannot have the verdict 'not_a_card'")
    if correction.note is not None and len(correction.note) > MAX_NOTE_CHARS:
        raise InvalidParameter(f"note: at most {MAX_NOTE_CHARS} characters")
    if correction.quad_px is not None:
        _check_quad(correction.quad_px)


def _check_quad(quad_px: Quad) -> None:
    if not is_convex(quad_px):
        raise InvalidParameter("quad: four corners of a convex shape, clockwise from the card's top left")
    sides_px = side_lengths(quad_px)
    # The area tells a flat rhombus, whose sides alone may be long.
    if min(sides_px.min(), polygon_area(quad_px) / sides_px.max()) < MIN_QUAD_SIDE_PX:
        raise InvalidParameter(f"quad: a card must be at least {MIN_QUAD_SIDE_PX} px wide and high")


def _body_hash(correction: NewCorrection) -> str:
    body = {
        "verdict": correction.verdict.value,
        "detection_id": str(correction.detection_id),
        "scan_id": str(correction.scan_id),
        "quad": None if correction.quad_px is None else correction.quad_px.tolist(),
        "card_id": correction.card_id,
        "note": correction.note,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
