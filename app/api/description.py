"""``/openapi.json``: what FastAPI derives from the routes, with keys, problems and examples added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from app.api.errors import PROBLEM_MEDIA_TYPE
from app.api.examples import ready_check, request_examples, startup_check, success_examples
from app.api.login import COOKIE_NAME
from app.api.routing import ApiRoute
from app.api.schemas.base import Problem
from app.api.schemas.ops import NotReadyProblem

_REFERENCE = "#/components/schemas/{model}"
_ABOUT = (
    "Finds every trading card in a picture and says exactly which printing each one is. "
    "Every error is `application/problem+json` (RFC 9457) with a stable `code`; every reply carries "
    "`X-Request-ID`. Unknown parameters and fields are refused; a path asked with a wrong method answers "
    "405. Without keys the service answers only under a name of its own machine and takes nothing from the "
    "pages of other sites."
)


def describe(app: FastAPI, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """Builds the OpenAPI document of the application."""
    document = get_openapi(
        title="Binderlens", version=version("binderlens"), description=_ABOUT, routes=app.routes
    )
    _add_models(document, Problem, NotReadyProblem)
    operations = {operation["operationId"]: operation for operation in _operations(document)}
    _add_security(document, operations, routers)
    _add_examples(operations)
    return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _add_models(document: dict[str, Any], *models: type[BaseModel]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in models:
        schema = model.model_json_schema(mode="serialization", ref_template=_REFERENCE)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema


def _add_security(
    document: dict[str, Any], operations: dict[str, dict[str, Any]], routers: Iterable[APIRouter]
) -> None:
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "login": {"type": "apiKey", "in": "cookie", "name": COOKIE_NAME},
    }
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, ApiRoute) and route.operation_id in operations:
            scopes = [route.scope.value] if route.scope else []
            ways = ("bearer", "api_key", "login") if scopes else ()
            operations[route.operation_id]["security"] = [{way: scopes} for way in ways]


def _add_examples(operations: dict[str, dict[str, Any]]) -> None:
    for operation_id, (status, media_type, value) in success_examples().items():
        operations[operation_id]["responses"][str(status)]["content"][media_type]["example"] = value
    for operation_id, examples in request_examples().items():
        body = operations[operation_id]["requestBody"]["content"]["application/json"]
        body["examples"] = {name: {"value": value} for name, value in examples.items()}
    for operation_id, check in (("get_ready", ready_check), ("get_ready_startup", startup_check)):
        not_ready = operations[operation_id]["responses"]["503"]["content"][PROBLEM_MEDIA_TYPE]
        not_ready["schema"] = {"$ref": _REFERENCE.format(model=NotReadyProblem.__name__)}
        for example in not_ready["examples"].values():
            example["value"] |= {"checks": [check(ok=False)]}
