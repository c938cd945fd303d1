"""Where a photo was taken is nobody's business: what is stored holds the pixels alone."""

from __future__ import annotations

import io

import asyncpg
import httpx
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from app.synthesis.scenes import Scene

MARK = "HeidelbergMarktplatz7"
GPS_TAG, MAKE_TAG, COMMENT_TAG = 0x8825, 0x010F, 0x9286


def with_metadata(image: np.ndarray, picture_format: str) -> bytes:
    """The picture with position, camera and remarks in every place its format has for them."""
    exif = Image.Exif()
    exif[MAKE_TAG] = MARK
    degrees = tuple(TiffImagePlugin.IFDRational(value) for value in (49, 24, 43))
    exif[GPS_TAG] = {1: "N", 2: degrees, 3: "E", 4: degrees, 27: MARK.encode()}
    options: dict[str, object] = {"exif": exif.tobytes()}
    if picture_format == "JPEG":
        options |= {"quality": 92, "comment": MARK.encode()}
    if picture_format != "PNG":
        options["xmp"] = f"<x:xmpmeta>{MARK}</x:xmpmeta>".encode()
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, picture_format, **options)
    return buffer.getvalue()


async def stored_rows(dsn: str) -> tuple[list[bytes], str]:
    """Every stored picture, and every other column of scans, detections and corrections as text."""
    connection = await asyncpg.connect(dsn)
    try:
        blobs = [row["data"] for row in await connection.fetch("SELECT data FROM blobs")]
        texts = [
            str(row[0])
            for table in ("scans", "detections", "corrections")
            for row in await connection.fetch(f"SELECT to_jsonb(t) FROM {table} t")
        ]
    finally:
        await connection.close()
    return blobs, "".join(texts)


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WebP"])
async def test_neither_position_nor_camera_nor_remarks_of_a_photo_are_stored(
    client: httpx.AsyncClient, gallery_url: str, page: Scene, picture_format: str
) -> None:
    before = len((await stored_rows(gallery_url))[0])
    photo = with_metadata(page.image, picture_format)
    assert MARK.encode() in photo
    reply = await client.post("/identify", files={"image": (f"{MARK}.jpg", photo, f"image/{MARK}")})
    assert reply.status_code == 200, reply.text
    missed = {
        "scan_id": reply.json()["scan_id"],
        "quad": page.cards[0].quad_px.tolist(),
        "verdict": "not_in_gallery",
    }
    assert (await client.post("/corrections", json=missed)).status_code == 202
    blobs, texts = await stored_rows(gallery_url)
    assert len(blobs) >= before + 11  # the page, nine crops, the crop of the correction
    assert MARK not in texts
    for blob in blobs:
        with Image.open(io.BytesIO(blob)) as picture:
            assert dict(picture.getexif()) == {}
            assert not picture.info.keys() & {"exif", "xmp", "comment", "XML:com.adobe.xmp"}
        assert MARK.encode() not in blob and b"Exif\x00" not in blob


async def test_a_forgotten_scan_leaves_no_picture_behind(
    client: httpx.AsyncClient, gallery_url: str, page: Scene
) -> None:
    before = sorted((await stored_rows(gallery_url))[0])
    reply = await client.post("/identify", files={"image": ("p.jpg", with_metadata(page.image, "JPEG"))})
    during, _ = await stored_rows(gallery_url)
    assert len(during) >= len(before) + 10
    assert (await client.delete(f"/scans/{reply.json()['scan_id']}")).status_code == 204
    blobs, texts = await stored_rows(gallery_url)
    assert sorted(blobs) == before
    assert texts == ""
