"""What Prometheus is told of requests and scans."""

from __future__ import annotations

import re

import pytest

from app.domain.errors import Busy
from tests.fakes.service import FakeService, ScriptedIdentify, page_png


def counts(text: str, name: str, **labels: str) -> list[float]:
    """The values of every series of that name with these labels."""
    found = re.findall(rf"^{name}\{{(.*)\}} (\S+)$", text, re.MULTILINE)
    return [
        float(value)
        for have, value in found
        if all(f'{key}="{want}"' in have for key, want in labels.items())
    ]


def fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(("error", "status"), [(Busy("all permits are taken"), "503"), (KeyError(), "500")])
async def test_the_first_failure_of_a_route_is_an_increase(
    error: Exception, status: str, client, service: FakeService
) -> None:
    asked = {"method": "POST", "route": "/identify", "status": status}
    name = "binderlens_http_requests_total"
    assert counts((await client.get("/metrics")).text, name, **asked) == [0.0]
    service.replace_identify(ScriptedIdentify(on_admission=lambda: fail(error)))
    assert (await client.post("/identify", files={"image": page_png(1)})).status_code == int(status)
    assert counts((await client.get("/metrics")).text, name, **asked) == [1.0]


async def test_every_route_shows_its_failures_and_no_other_reply_before_they_happen(client, service) -> None:
    text = (await client.get("/metrics")).text
    shown = set(
        re.findall(r'http_requests_total\{method="(\w+)",route="([^"]+)",status="(\d+)"\} 0\.0', text)
    )
    routes = {(m, route.path_format) for route in service.app.state.routes for m in route.methods}
    routes |= {("GET", "unmatched"), ("POST", "unmatched")}
    assert shown == {(*route, status) for route in routes for status in ("500", "503", "504")}


async def test_cards_are_counted_from_zero_by_status_and_shortcoming(client) -> None:
    text = (await client.get("/metrics")).text
    for status in ("accepted", "review", "unknown"):
        assert counts(text, "binderlens_cards_total", status=status) == [0.0]
    for reason in ("topk_reduced", "verification_skipped", "printings_skipped"):
        assert counts(text, "binderlens_cards_degraded_total", reason=reason) == [0.0]
