"""A login holds on every replica and after a restart, and needs nobody to remember it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from app.main import open_runtime
from tests.service import client_of, offline_settings

KEYS = SecretStr("shop:identify:one")


async def test_a_login_of_one_process_is_known_to_another_and_ends_with_its_key(
    gallery_url: str, tmp_path: Path
) -> None:
    settings = offline_settings(gallery_url, tmp_path, api_keys=KEYS)
    async with open_runtime(settings) as first, client_of(first) as client:
        assert (await client.post("/login", json={"key": "one"})).status_code == 204
        cookies = dict(client.cookies)
    rotated = settings.model_copy(update={"api_keys": SecretStr("shop:identify:two")})
    async with open_runtime(settings) as other:
        for changed, status in ((settings, 200), (rotated, 401)):
            async with client_of(replace(other, settings=changed)) as client:
                client.cookies.update(cookies)
                assert (await client.get("/scans")).status_code == status
