"""Pages for people: shells without data, whose scripts and styles this service serves itself."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

from fastapi import Response
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from app.api.routing import open_router

router = open_router("pages")

_PAGES = Path(__file__).parent.parent / "pages"
_CACHED = {"Cache-Control": "public, max-age=3600"}
_OWN_FILES_ONLY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"
#: A picture is shown from memory before the service has it.
_OWN_PICTURES = f"{_OWN_FILES_ONLY}; img-src 'self' blob:"
#: Swagger UI styles elements from its script and draws icons and replies from data and blob URLs.
_SWAGGER_NEEDS = f"{_OWN_FILES_ONLY}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"


class CachedStaticFiles(StaticFiles):
    """Static files that a browser keeps for an hour."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """Adds the caching header."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(_CACHED)
        return response


def static_files() -> StaticFiles:
    """The application that serves ``/static``."""
    return CachedStaticFiles(directory=_PAGES / "static")


@router.get("/", include_in_schema=False)
async def get_home() -> Response:
    """Takes pictures, shows their cards and lets people correct them; all of it over this API."""
    return _page("home.html", _OWN_PICTURES)


@router.get("/dashboard", include_in_schema=False)
async def get_dashboard() -> Response:
    """How well cards are named; its figures come from ``/quality``."""
    return _page("dashboard.html", _OWN_FILES_ONLY)


@router.get("/docs", include_in_schema=False)
async def get_docs() -> Response:
    """Swagger UI over ``/openapi.json``."""
    return _page("docs.html", _SWAGGER_NEEDS)


@router.get("/static/swagger-ui/{name}", include_in_schema=False)
async def get_swagger_file(name: Literal["swagger-ui.css", "swagger-ui-bundle.js"]) -> Response:
    """Swagger UI's own files, out of the package that carries them."""
    return FileResponse(Path(str(files("fastapi_offline") / "static" / name)), headers=_CACHED)


def _page(name: str, content_security_policy: str) -> Response:
    return FileResponse(_PAGES / name, headers={"Content-Security-Policy": content_security_policy})
