"""A small HTTP server that speaks TCGdex's paths, and can misbehave the way busy and broken servers do."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WRONG_BYTES = b"<html>sorry</html>"


class Damage(StrEnum):
    """What becomes of a reply that was on its way."""

    CUT = "cut in mid-body"
    WRONG = "other bytes"
    SLOW = "slow"


@dataclass
class LocalTcgdex:
    """What the server has and how it behaves.

    Attributes:
        replies: Path to body; anything else is 404.
        refusals: Path to statuses and headers that are answered first, one each.
        asked: Path and time of every request, in order.
        most_at_once: Requests in flight at the busiest moment.
        damages: Path to what becomes of its next replies, one each.
        etags: Whether replies have an ETag, and a request that names it is answered by 304.
        modified: Path to the ``Last-Modified`` of its replies, treated in the same way.
        answered: Path, status and bytes of the body of every reply, in order.
        delay_s: How long each reply takes.
        slow_s: How much longer a slow one takes.
        refused: Set once a refusal has been sent.
    """

    replies: dict[str, bytes] = field(default_factory=dict)
    refusals: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    damages: dict[str, list[Damage]] = field(default_factory=dict)
    asked: list[tuple[str, float]] = field(default_factory=list)
    most_at_once: int = 0
    etags: bool = False
    modified: dict[str, str] = field(default_factory=dict)
    answered: list[tuple[str, int, int]] = field(default_factory=list)
    delay_s: float = 0.0
    slow_s: float = 1.5
    url: str = ""
    in_flight: int = 0
    refused: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def api(self) -> str:
        """Where its API lies."""
        return f"{self.url}/v2"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _ in self.asked]

    def versions(self, path: str, body: bytes) -> dict[str, str]:
        """The headers that name this version of what is at a path."""
        named = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'} if self.etags else {}
        return named | ({"Last-Modified": self.modified[path]} if path in self.modified else {})

    def add_set(
        self, set_id: str, cards: dict[str, bytes | None], language: str = "en", serie: str = "sv"
    ) -> None:
        """A set with its cards, given as ``localId`` and picture; None for a card without one."""
        base = f"/v2/{language}"
        brief = {"id": set_id, "name": f"Set {set_id}", "cardCount": {"total": len(cards), "official": 162}}
        listed = json.loads(self.replies.get(f"{base}/sets", b"[]"))
        self.replies[f"{base}/sets"] = json.dumps([*listed, brief]).encode()
        briefs = []
        for local_id, picture in cards.items():
            card_id = f"{set_id}-{local_id}"
            card = {"id": card_id, "localId": local_id, "name": f"Card {local_id}"}
            if picture is not None:
                card["image"] = f"{self.url}/assets/{language}/{card_id}"
                self.replies[f"/assets/{language}/{card_id}/high.webp"] = picture
            briefs.append(card)
            self.replies[f"{base}/cards/{card_id}"] = json.dumps(
                {
                    **card,
                    "category": "Pokemon",
                    "rarity": "Common",
                    "set": brief,
                    "variants": {"normal": True},
                }
            ).encode()
        whole = {**brief, "serie": {"id": serie, "name": serie}, "releaseDate": "2024-03-22", "cards": briefs}
        self.replies[f"{base}/sets/{set_id}"] = json.dumps(whole).encode()


class _Server(ThreadingHTTPServer):
    def __init__(self, site: LocalTcgdex) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site
        site.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Nothing: a client that has hung up on a broken reply is what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        site = self.server.site
        with site.lock:
            site.asked.append((self.path, time.monotonic()))
            site.in_flight += 1
            site.most_at_once = max(site.most_at_once, site.in_flight)
            refusals = site.refusals.get(self.path)
            status, headers = refusals.pop(0) if refusals else (200, {})
            damages = site.damages.get(self.path) if status == 200 else None
            damage = damages.pop(0) if damages else None
        time.sleep(site.delay_s + (site.slow_s if damage is Damage.SLOW else 0.0))
        refused, body = status != 200, b""
        if not refused:
            status, headers, body = self._found(damage)
        with site.lock:
            site.in_flight -= 1
            site.answered.append((self.path, status, len(body)))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if damage is Damage.CUT:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)
        if refused:
            site.refused.set()

    def _found(self, damage: Damage | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of what is at the path, unless the client has it already."""
        site = self.server.site
        body = site.replies.get(self.path)
        if body is None:
            return 404, {}, b""
        if damage is Damage.WRONG:
            return 200, {}, WRONG_BYTES
        versions = site.versions(self.path, body)
        held = {"ETag": self.headers["If-None-Match"], "Last-Modified": self.headers["If-Modified-Since"]}
        # The first of them that both have decides (RFC 9110, 13.2.2).
        same = [held[name] == value for name, value in versions.items() if held[name] is not None]
        return (304, versions, b"") if same[:1] == [True] else (200, versions, body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve_tcgdex() -> Iterator[LocalTcgdex]:
    """An empty site on a free port of this machine."""
    site = LocalTcgdex()
    server = _Server(site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
