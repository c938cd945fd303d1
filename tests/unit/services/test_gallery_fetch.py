"""What needs no server of the fetching of galleries."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from app.domain.errors import BinderlensError
from app.services.gallery_fetch.polite_client import PoliteClient, Politeness, retry_after_s
from app.services.gallery_fetch.tcgdex import BASE_URL, PICTURES_URL
from app.services.gallery_fetch.validators import Validators

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://api.tcgdex.net/v2/en/sets", True),
        ("http://api.tcgdex.net/v2", True),
        ("https://assets.tcgdex.net/en/sv/sv05/1/high.webp", True),
        ("https://API.tcgdex.net:443/v2", True),
        ("https://api.tcgdex.net:8443/v2", False),
        ("https://api.tcgdex.net.evil.example/", False),
        ("https://user@evil.example/", False),
        ("https://api.tcgdex.net@evil.example/", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("ftp://api.tcgdex.net/", False),
    ],
)
async def test_only_the_source_s_own_hosts_are_asked(address: str, allowed: bool) -> None:
    async with PoliteClient.open(Politeness(), [BASE_URL, PICTURES_URL]) as client:
        [check] = client._client.event_hooks["request"]
        request = httpx.Request("GET", address)
        if allowed:
            await check(request)
            return
        with pytest.raises(BinderlensError, match="none of the source's own"):
            await check(request)


@pytest.mark.parametrize("value", ["", '"\u00e9"', '"a\r\nHost: b"', "\x00", f'"{"a" * 500}"'])
def test_what_cannot_be_sent_back_is_no_validator(value: str) -> None:
    assert not Validators.of_reply({"ETag": value, "Last-Modified": value})
    assert not Validators.of_reply({})


def test_validators_are_sent_back_as_they_came() -> None:
    date = "Tue, 24 Nov 2026 12:00:00 GMT"
    both = Validators.of_reply(httpx.Headers({"etag": 'W/"a b"', "last-modified": date}))
    assert both.as_conditions() == {"If-None-Match": 'W/"a b"', "If-Modified-Since": date}
    assert Validators(last_modified=date).as_conditions() == {"If-Modified-Since": date}
