"""The OpenAPI document is a contract: committed, complete, and with examples that hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Mount

from app.api.application import api_routers
from app.api.openapi import openapi_text
from app.api.routing import ApiRoute
from app.settings import PROJECT_ROOT
from tests.fakes.service import FakeService
from tests.openapi import Contract

#: Pages for people and their files: no operations, no data.
PAGES = {"/", "/docs", "/dashboard", "/static/swagger-ui/{name}"}


def media(contract: Contract) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Operation, status and content of everything documented."""
    for path in contract.document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                for content in response.get("content", {}).values():
                    yield operation["operationId"], status, content


def test_the_committed_document_is_the_one_the_application_gives() -> None:
    committed = (PROJECT_ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert committed == openapi_text(), "run: make openapi"


async def test_the_served_document_is_the_committed_one(client, contract: Contract) -> None:
    assert (await client.get("/openapi.json")).json() == contract.document


def test_every_route_is_documented_under_an_id_of_its_own(service: FakeService, contract: Contract) -> None:
    routes = [route for router in api_routers() for route in router.routes]
    assert all(isinstance(route, ApiRoute) for route in routes)
    documented = {
        (method.upper(), path) for path, one in contract.document["paths"].items() for method in one
    }
    assert documented == {
        (method, route.path_format) for route in routes if route.path not in PAGES for method in route.methods
    }
    ids = [route.operation_id for route in routes if route.path not in PAGES]
    assert len(set(ids)) == len(ids) and None not in ids


def test_nothing_is_mounted_but_static_files(service: FakeService) -> None:
    mounts = [route.path for route in service.app.routes if isinstance(route, Mount)]
    assert mounts == ["/static"]


def test_every_status_is_documented_with_an_example_that_holds(contract: Contract) -> None:
    pictures = {"get_card_image", "get_scan_image", "get_detection_image"}
    for operation_id, status, content in media(contract):
        if operation_id in pictures and status == "200":
            continue
        examples = [one["value"] for one in content.get("examples", {}).values()]
        examples += [content["example"]] if "example" in content else []
        assert examples, f"{operation_id} {status} has no example"
        for example in examples:
            contract.validate(content["schema"], example)
            if isinstance(example, dict) and status[0] in "45":
                assert example["status"] == int(status)


@pytest.mark.parametrize(("operation_id", "examples"), [("submit_correction", 3), ("log_in", 1)])
def test_the_examples_of_bodies_hold(operation_id: str, examples: int, contract: Contract) -> None:
    body = contract.operation(operation_id)["requestBody"]["content"]["application/json"]
    assert len(body["examples"]) == examples
    for example in body["examples"].values():
        contract.validate(body["schema"], example["value"])


def test_every_error_is_a_problem(contract: Contract) -> None:
    for path in contract.document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status[0] in "45":
                    assert list(response["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in contract.document["components"]["schemas"]


def test_every_model_refuses_fields_it_does_not_know(contract: Contract) -> None:
    models = contract.document["components"]["schemas"]
    open_ended = [
        name
        for name, one in models.items()
        if one["type"] == "object" and one.get("additionalProperties") is not False
    ]
    assert open_ended == []


def test_what_needs_a_key_says_so(contract: Contract) -> None:
    for path in contract.document["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            forbidden = responses["403"]["content"]["application/problem+json"]["examples"]
            # A login needs no key beside the one in its body, which may be wrong.
            may_be_refused = bool(operation["security"]) or operation["operationId"] == "log_in"
            assert ("401" in responses) == may_be_refused
            assert ("scope_missing" in forbidden) == bool(operation["security"])


def test_every_operation_says_that_it_may_refuse_foreign_hosts_and_pages(contract: Contract) -> None:
    for path in contract.document["paths"].values():
        for method, operation in path.items():
            forbidden = operation["responses"]["403"]["content"]["application/problem+json"]["examples"]
            assert "host_not_allowed" in forbidden
            assert ("cross_site_request" in forbidden) == (method != "get")
