"""Holds replies against the OpenAPI document that is committed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from jsonschema import Draft202012Validator


class Contract:
    """Holds replies against the OpenAPI document of the application that gave them."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def operation(self, operation_id: str) -> Mapping[str, Any]:
        for path in self.document["paths"].values():
            for operation in path.values():
                if operation["operationId"] == operation_id:
                    return operation
        raise LookupError(operation_id)

    def validate(self, schema: Mapping[str, Any], value: object) -> None:
        whole = {**schema, "components": self.document["components"]}
        Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)

    def check(self, operation_id: str, response: httpx.Response) -> None:
        """Fails unless the status is documented, and the body what the document says of it."""
        documented = self.operation(operation_id)["responses"]
        assert str(response.status_code) in documented, f"{operation_id} answers {response.status_code}"
        content = documented[str(response.status_code)].get("content", {})
        if not content:
            assert response.content == b""
            return
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type in content
        if media_type.endswith("json"):
            self.validate(content[media_type]["schema"], response.json())
