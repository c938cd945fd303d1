"""Keeps web pages of others away from a service that needs no key, and from what a login cookie allows.

Without keys only loopback protects the service, and any page that a browser on this machine shows is on the
near side of it. Two ways lead here without the browser's same-origin policy stopping the request: a name of
the page's own that resolves to 127.0.0.1 (DNS rebinding), told by the ``Host`` header, and a form or a plain
``fetch`` sent across sites, told by ``Sec-Fetch-Site`` (W3C Fetch Metadata), or in browsers that do not know
it by ``Origin`` (RFC 6454), neither of which a page can forge.
With keys neither matters: a browser never sends one by itself. A login cookie it does send, though not across
sites (``SameSite=Strict``); ``refuse_pages_of_others`` also stops pages of the same site that are not ours,
such as those of another port or of another name below the same domain.

Where ``ALLOW_OPEN_ACCESS`` lets others in without keys, nobody knows the names the service has there, and the
first way cannot be told apart any more; the second one still is, since a page's ``Origin`` is then not the
``Host`` that it asks. Pages of ``CORS_ORIGINS`` are as welcome as our own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.errors import CrossSiteRequest, HostNotAllowed

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: ``uri-host [":" port]`` of RFC 9110, section 7.2.
_HOST_HEADER: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]@/]+)(?::\d{0,5})?", re.IGNORECASE)
_IMPLIED_PORTS: Final = {"http": ":80", "https": ":443"}
#: RFC 9110, section 9.2.1.
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class OwnPagesMiddleware:
    """Refuses what reached a service without keys under a foreign name or from a foreign page."""

    def __init__(
        self, app: ASGIApp, host: str, *, any_host: bool = False, origins: Collection[str] = ()
    ) -> None:
        """Says which names and pages are welcome.

        Args:
            app: What is guarded.
            host: ``HOST``: whoever asks for the address that was set asks for this service.
            any_host: Whether the service may have names that it does not know.
            origins: Of other pages that may ask.
        """
        self._app = app
        own_name = f"[{host}]" if ":" in host else host
        self._names = _LOOPBACK_NAMES | {own_name.lower()}
        self._any_host = any_host
        self._origins = frozenset(origins)

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
        if match is None or not (self._any_host or match["name"].lower() in self._names):
            raise HostNotAllowed(
                "without API_KEYS this service answers only to localhost, 127.0.0.1, [::1] and HOST"
            )
        asking = [origin.lower() for origin in headers.getlist("origin")]
        if method in _SAFE_METHODS or (asking and self._origins.issuperset(asking)):
            return
        names = {match["name"].lower()} if self._any_host else self._names
        if headers.get("sec-fetch-site") == "cross-site" or not _are_own(asking, names):
            raise CrossSiteRequest("without API_KEYS this service takes nothing from pages of other sites")


def refuse_pages_of_others(headers: Headers, method: str) -> None:
    """Lets only our own pages change something by what a browser sends by itself.

    ``Sec-Fetch-Site`` decides where it is there: it is right also behind a proxy that changes ``Host``.
    Browsers leave it out where the service is neither encrypted nor on this machine; then ``Origin`` must be
    the ``Host``. Who sends neither is no browser, and has no cookie that he was not given.

    Raises:
        CrossSiteRequest: the page of another origin asks for more than to look.
    """
    if method in _SAFE_METHODS:
        return
    sites = headers.getlist("sec-fetch-site")
    if sites:
        is_own = all(site in ("same-origin", "none") for site in sites)
    else:
        is_own = all(_is_same_host(origin, headers.get("host", "")) for origin in headers.getlist("origin"))
    if not is_own:
        raise CrossSiteRequest("a login counts for the service's own pages alone; send a key in a header")


def _is_same_host(origin: str, host: str) -> bool:
    """Whether an ``Origin`` names the ``Host``; a proxy may write out the port that its scheme implies."""
    scheme, separator, own = origin.lower().partition("://")
    implied = _IMPLIED_PORTS.get(scheme, "")
    return bool(separator and own) and own.removesuffix(implied) == host.lower().removesuffix(implied)


def _are_own(origins: list[str], names: Collection[str]) -> bool:
    """Whether a page of this service, or no page at all, sent the request; ``null`` is a hidden page."""
    matches = [_HOST_HEADER.fullmatch(origin.partition("://")[2]) for origin in origins]
    return all(match is not None and match["name"].lower() in names for match in matches)
