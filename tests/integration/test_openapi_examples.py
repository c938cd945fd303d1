"""What the API's description shows can be sent: every operation to a real service, with its own examples."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.api.examples import EXAMPLE_IDS
from app.main import open_runtime
from app.services.runtime import Runtime
from app.synthesis.scenes import Scene
from tests.openapi import Contract
from tests.service import as_upload, client_of, offline_settings

Json = dict[str, Any]
KEY = "CHOOSE-A-KEY"  # of the example of a login


@pytest.fixture
async def runtime(gallery_url: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    settings = offline_settings(gallery_url, tmp_path / "data", api_keys=SecretStr(f"me:admin:{KEY}"))
    async with open_runtime(settings) as opened:
        yield opened


@pytest.fixture
async def client(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(runtime) as opened:
        opened.headers["X-API-Key"] = KEY
        yield opened


def operations(contract: Contract) -> Iterator[tuple[str, str, Json]]:
    """Every one, with what forgets things last."""
    found = [
        (method, path, operation)
        for path, methods in contract.document["paths"].items()
        for method, operation in methods.items()
    ]
    return iter(sorted(found, key=lambda one: one[0] == "delete"))


def bodies(operation: Json) -> list[Json]:
    """The examples of its JSON body; one empty one where it takes none."""
    content = operation.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {})
    return [{"json": example["value"]} for example in examples.values()] or [{}]


async def test_every_example_is_answered_as_the_description_says(
    client: httpx.AsyncClient, contract: Contract, page: Scene
) -> None:
    """As it stands, for ids that nobody has, and with ids of a scan that is there."""
    upload = as_upload(page.image.repeat(2, axis=0).repeat(2, axis=1))  # as large as the corners shown
    scan = (await client.post("/identify", files=upload)).json()
    found = scan["cards"][0]
    named = {"detection_id": found["detection_id"], "verdict": "not_a_card"}
    correction = (await client.post("/corrections", json=named)).json()
    ids = {
        "scan_id": scan["scan_id"],
        "detection_id": found["detection_id"],
        "correction_id": correction["correction_id"],
        "card_id": found["candidates"][0]["card"]["card_id"],
    }
    sent = set()
    for method, path, operation in operations(contract):
        for body in bodies(operation):
            if operation["operationId"] == "identify":
                body = {"files": upload}
            as_shown = await client.request(method, path.format(**EXAMPLE_IDS), **body)
            contract.check(operation["operationId"], as_shown)
            assert as_shown.status_code < 300 or as_shown.status_code == 404
            text = json.dumps(body) if "json" in body else ""
            for name, shown in (*EXAMPLE_IDS.items(), ("card_id", "em2-017")):
                text = text.replace(shown, ids[name])
            real = await client.request(method, path.format(**ids), **(json.loads(text) if text else body))
            contract.check(operation["operationId"], real)
            assert real.status_code < 300, (operation["operationId"], real.text)
            sent.add(operation["operationId"])
    assert len(sent) == len(list(operations(contract)))
