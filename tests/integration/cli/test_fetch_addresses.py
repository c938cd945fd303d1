"""A fetch asks at its source's own addresses, whatever the source says, and for no longer than a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.errors import BinderlensError, Unavailable
from app.services.gallery_fetch.folder import FetchFolder
from app.services.gallery_fetch.polite_client import PoliteClient, Politeness
from app.services.gallery_fetch.tcgdex import TcgdexFetcher
from benchmarks.chaos.tcgdex_site import LocalTcgdex, serve_tcgdex

HURRIED = Politeness(backoff_s=0.01)
PICTURE = b"RIFF\0\0\0\0WEBP, in name"


@pytest.fixture
def site() -> Iterator[LocalTcgdex]:
    with serve_tcgdex() as server:
        server.add_set("sv06", {"1": PICTURE})
        yield server


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:{other}/assets/x", "http://localhost:{port}/x", "file:///etc/passwd", "//x", "x", ""],
)
async def test_a_picture_at_an_address_that_is_not_the_source_s_is_not_asked_for(
    site: LocalTcgdex, tmp_path: Path, address: str
) -> None:
    with serve_tcgdex() as victim:
        ports = {"other": victim.url.rpartition(":")[2], "port": site.url.rpartition(":")[2]}
        own = f"{site.url}/assets/en/sv06-1"
        path = "/v2/en/sets/sv06"
        site.replies[path] = site.replies[path].replace(own.encode(), address.format(**ports).encode())
        async with PoliteClient.open(HURRIED, [site.api]) as client:
            report = await TcgdexFetcher(client, FetchFolder(tmp_path), base_url=site.api).run(["sv06"])
        assert victim.paths == []
    [(card_id, why)] = report.failed
    assert (card_id, "none of the source's own addresses" in why) == ("sv06-1", True)
    assert len(site.asked) == 3


async def test_a_redirect_is_followed_to_the_source_s_own_addresses_alone(site: LocalTcgdex) -> None:
    site.refusals["/here"] = [(302, {"Location": "/v2/en/sets"})]
    with serve_tcgdex() as victim:
        victim.replies["/secret"] = b"only for us"
        site.refusals["/away"] = [(302, {"Location": f"{victim.url}/secret"})]
        async with PoliteClient.open(HURRIED, [site.api]) as client:
            assert await client.get(f"{site.url}/here") == site.replies["/v2/en/sets"]
            with pytest.raises(BinderlensError, match="none of the source's own"):
                await client.get(f"{site.url}/away")
        assert victim.paths == []


async def test_a_reply_that_comes_drop_by_drop_ends_in_time(site: LocalTcgdex) -> None:
    site.delay_s = 0.6
    hurried = Politeness(backoff_s=0.01, attempts=2, longest_reply_s=0.2)
    async with PoliteClient.open(hurried, [site.api]) as client:
        with pytest.raises(Unavailable, match=r"no whole reply within 0\.2 s"):
            await client.get(f"{site.api}/en/sets")
    assert len(site.asked) == 2
