"""What Prometheus is told of requests and scans."""

from __future__ import annotations

import re
import uuid

import pytest

from app.domain.errors import Busy
from tests.fakes.service import FakeService, ScriptedIdentify, page_png
from tests.openapi import Contract

NOTHING = str(uuid.UUID(int=404))


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


async def test_metrics_count_requests_scans_cards_and_memory(scan, client, contract: Contract) -> None:
    await client.get(f"/scans/{NOTHING}")
    response = await client.get("/metrics")
    contract.check("get_metrics", response)
    lines = response.text.splitlines()
    assert "binderlens_scans_total 1.0" in lines
    assert 'binderlens_http_requests_total{method="GET",route="/scans/{scan_id}",status="404"} 1.0' in lines
    assert 'binderlens_memory_bytes{kind="resident"} 6e+08' in lines
    assert 'binderlens_stage_seconds_count{stage="detect"} 1.0' in lines
    assert sum(float(line.split()[-1]) for line in lines if line.startswith("binderlens_cards_total")) == 3


async def test_metrics_show_what_the_process_is_made_of(client, contract: Contract) -> None:
    lines = (await client.get("/metrics")).text.splitlines()
    for line in (
        'binderlens_ready{check="gallery"} 1.0',
        'binderlens_permits{state="taken"} 0.0',
        'binderlens_permits{state="limit"} 2.0',
        'binderlens_permits{state="uploads"} 0.0',
        'binderlens_ready{check="startup"} 1.0',
        'binderlens_db_connections{state="busy"} 1.0',
        'binderlens_db_connections{state="idle"} 2.0',
        'binderlens_db_connections{state="limit"} 5.0',
        "binderlens_db_connections_opened_total 7.0",
        "binderlens_db_failures_total 2.0",
        "binderlens_memory_limit_bytes 1e+09",
        "binderlens_search_retries_total 0.0",
    ):
        assert line in lines
    [encoder] = [line for line in lines if line.startswith("binderlens_encoder_info{")]
    assert 'precision="fp32"' in encoder


async def test_metrics_are_there_before_the_service_is_ready(service: FakeService) -> None:
    service.app.state.runtime = None
    async with service.client() as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    assert 'binderlens_ready{check="startup"} 0.0' in response.text.splitlines()
    assert "binderlens_permits{" not in response.text
