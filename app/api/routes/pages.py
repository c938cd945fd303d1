"""Pages for people: shells without data, whose scripts and styles this service serves itself.

A page names its files by what is in all of them (``static/VERSION/...``), and modules name each other
relatively: browsers may keep them for good, and after an upgrade nothing old is taken out of their stores.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.api.routing import PageRoute, open_router

router = open_router("pages", PageRoute)

_PAGES = Path(__file__).parent.parent / "pages"
_STATIC = _PAGES / "static"
_CACHED = {"Cache-Control": "public, max-age=3600"}
_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}
_ASKED_AGAIN = {"Cache-Control": "no-cache"}
#: What the form of ``dashboard.html`` chooses at first, the present day among them.
_DASHBOARD_DAYS: Final = 30
#: As ``fetch`` asks for them: another address or mode would count them twice.
_FIRST_FIGURES: Final = (
    '<link id="first-figures" rel="preload" as="fetch" crossorigin'
    ' href="quality?since={first_day}T00%3A00%3A00.000Z">'
)
_VERSION_DIGITS: Final = 12
_A_VERSION: Final = re.compile(rf"[0-9a-f]{{{_VERSION_DIGITS}}}/")
_OWN_STATIC_FILE: Final = re.compile(r'(?P<attribute>(?:href|src)=")static/(?!swagger-ui/)')
_OWN_FILES_ONLY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"
#: A picture is shown from memory before the service has it.
_OWN_PICTURES = f"{_OWN_FILES_ONLY}; img-src 'self' blob:"
#: Swagger UI styles elements from its script and draws icons and replies from data and blob URLs.
_SWAGGER_NEEDS = f"{_OWN_FILES_ONLY}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"


class VersionedStaticFiles(StaticFiles):
    """Static files, also below a version: a browser keeps those of the present one, and asks about others."""

    def get_path(self, scope: Scope) -> str:
        """The path of the file, without its version."""
        return _A_VERSION.sub("", super().get_path(scope), count=1)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Adds the caching header; files stay in memory, since a page asks for a dozen of them at once."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        if isinstance(response, FileResponse):
            content = _content(Path(full_path), stat_result.st_mtime_ns)
            response = Response(content, status_code, response.headers, response.media_type)
        is_present = super().get_path(scope).startswith(f"{static_version()}/")
        response.headers.update(_FOR_GOOD if is_present else _ASKED_AGAIN)
        return response


@functools.lru_cache(maxsize=128)
def _content(path: Path, _modified_ns: int) -> bytes:
    return path.read_bytes()


@functools.cache
def static_version() -> str:
    """Twelve hexadecimal digits that change with any of the static files."""
    digest = hashlib.sha256()
    for path in sorted(one for one in _STATIC.rglob("*") if one.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_STATIC)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:_VERSION_DIGITS]


def static_files() -> StaticFiles:
    """The application that serves ``/static``."""
    return VersionedStaticFiles(directory=_STATIC)


@router.get("/", include_in_schema=False)
async def get_home() -> Response:
    """Takes pictures, shows their cards and lets people correct them; all of it over this API."""
    return _page("home.html", _OWN_PICTURES)


@router.get("/dashboard", include_in_schema=False)
async def get_dashboard(request: Request) -> Response:
    """How well cards are named; its figures come from ``/quality``.

    The page tells the browser the address of the first ones, so they are counted while its scripts load; not
    where the page's own address chooses others.
    """
    first_day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=_DASHBOARD_DAYS - 1)
    link = "" if request.url.query else _FIRST_FIGURES.format(first_day=first_day)
    return _page("dashboard.html", _OWN_FILES_ONLY, FIRST_FIGURES=link)


@router.get("/docs", include_in_schema=False)
async def get_docs() -> Response:
    """Swagger UI over ``/openapi.json``."""
    return _page("docs.html", _SWAGGER_NEEDS)


@router.get("/static/swagger-ui/{name}", include_in_schema=False)
async def get_swagger_file(name: Literal["swagger-ui.css", "swagger-ui-bundle.js"]) -> Response:
    """Swagger UI's own files, out of the package that carries them."""
    return FileResponse(Path(str(files("fastapi_offline") / "static" / name)), headers=_CACHED)


def _page(name: str, content_security_policy: str, **filled_in: str) -> Response:
    headers = {"Content-Security-Policy": content_security_policy, **_ASKED_AGAIN}
    text = _shell(name)
    for blank, value in filled_in.items():
        text = text.replace(blank, value)
    return HTMLResponse(text, headers=headers)


@functools.cache
def _shell(name: str) -> str:
    text = (_PAGES / name).read_text(encoding="utf-8")
    return _OWN_STATIC_FILE.sub(rf"\g<attribute>static/{static_version()}/", text)
