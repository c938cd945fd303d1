"""A small HTTP server that speaks the hub's download paths, and can fail the way networks do."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class LocalHub:
    """What the server has and how it behaves.

    Attributes:
        files: ``owner/name/file`` to content.
        stated_sha256: Hash the server states for every file, where it is not the true one.
        break_after: Bytes of a GET's body after which the connection is cut, once; later GETs get 503 until
            it is None.
        ranges: The Range header of every GET.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    stated_sha256: str | None = None
    break_after: int | None = None
    broken: bool = False
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""


class HubServer(ThreadingHTTPServer):
    def __init__(self, hub: LocalHub) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.hub = hub
        hub.url = f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def do_HEAD(self) -> None:
        content = self._find()
        if content is not None:
            self._send_headers(200, content, len(content))

    def do_GET(self) -> None:
        hub, content = self.server.hub, self._find()
        if content is None:
            return
        hub.ranges.append(self.headers.get("Range"))
        if hub.broken:
            self._refuse(503)
            return
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        self._send_headers(206 if start else 200, content, len(content) - start, start)
        if hub.break_after is None:
            self.wfile.write(content[start:])
            return
        self.wfile.write(content[start : start + hub.break_after])
        hub.broken = True
        self.close_connection = True

    def _find(self) -> bytes | None:
        owner, name, _, _, file = self.path.lstrip("/").split("/", 4)
        content = self.server.hub.files.get(f"{owner}/{name}/{file}")
        if content is None:
            self._refuse(404)
        return content

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        if status == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_headers(self, status: int, content: bytes, length: int, start: int = 0) -> None:
        sha256 = self.server.hub.stated_sha256 or hashlib.sha256(content).hexdigest()
        self.send_response(status)
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("X-Linked-Etag", f'"{sha256}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("Content-Length", str(length))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve_hub() -> Iterator[LocalHub]:
    hub = LocalHub()
    server = HubServer(hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
