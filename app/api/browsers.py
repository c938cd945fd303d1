"""Keeps web pages of others away from a service that needs no key.

Without keys only loopback protects the service, and any page that a browser on this machine shows is on the
near side of it. Two ways lead here without the browser's same-origin policy stopping the request: a name of
the page's own that resolves to 127.0.0.1 (DNS rebinding), told by the ``Host`` header, and a form or a plain
``fetch`` sent across sites, told by ``Sec-Fetch-Site`` (W3C Fetch Metadata), or in browsers that do not know
it by ``Origin`` (RFC 6454), neither of which a page can forge.
With keys neither matters: a browser never sends one by itself.
"""

from __future__ import annotations

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.errors import CrossSiteRequest, HostNotAllowed

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: ``uri-host [":" port]`` of RFC 9110, section 7.2.
_HOST_HEADER: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]@/]+)(?::\d{0,5})?", re.IGNORECASE)
#: RFC 9110, section 9.2.1.
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class OwnPagesMiddleware:
    """Refuses what reached a service without keys under a foreign name or from a foreign page."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        """Takes ``HOST``: whoever asks for the address that was set asks for this service."""
        self._app = app
        own_name = f"[{host}]" if ":" in host else host
        self._names = _LOOPBACK_NAMES | {own_name.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection.

        Raises:
            HostNotAllowed: the ``Host`` header is missing, repeated or names something else.
            CrossSiteRequest: another site's page asks for more than to look.
        """
        if scope["type"] == "http":
            self._check(Headers(scope=scope), scope["method"])
        await self._app(scope, receive, send)

    def _check(self, headers: Headers, method: str) -> None:
        hosts = headers.getlist("host")
        match = _HOST_HEADER.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if match is None or match["name"].lower() not in self._names:
            raise HostNotAllowed(
                "without API_KEYS this service answers only to localhost, 127.0.0.1, [::1] and HOST"
            )
        if method not in _SAFE_METHODS and (
            headers.get("sec-fetch-site") == "cross-site" or not self._is_own(headers.getlist("origin"))
        ):
            raise CrossSiteRequest("without API_KEYS this service takes nothing from pages of other sites")

    def _is_own(self, origins: list[str]) -> bool:
        """Whether a page of this service, or no page at all, sent the request; ``null`` is a hidden page."""
        matches = [_HOST_HEADER.fullmatch(origin.partition("://")[2]) for origin in origins]
        return all(match is not None and match["name"].lower() in self._names for match in matches)
