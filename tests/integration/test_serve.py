"""The process itself: what it logs, how it starts without its database, and how it ends."""

from __future__ import annotations

import asyncio
import base64
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.cli.ending import END_LIMIT_S
from app.db.embedded import EmbeddedPostgres
from app.db.migrate import migrate
from app.synthesis.scenes import Scene, SceneKind
from tests.database import FAST_SETTINGS
from tests.service import FilledGallery, as_upload, photograph
from tests.serving import Served, is_ready, served

GOOD, FILED, BAD = "correct-horse-battery", "filed-staple-ocean", "wrong-guess-of-a-stranger"


@pytest.fixture
def big_page(filled_gallery: FilledGallery) -> Scene:
    """A page that takes a while."""
    return photograph(filled_gallery.cards[:9], SceneKind.PAGE_3X3, megapixels=8.0)


def ask_in_every_way(url: str, key: str) -> set[int]:
    """Sends a key as people do, rightly and wrongly."""
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    headers = [
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"bearer  {key}"},
        {"Authorization": key},
        {"Authorization": f"Basic {basic}"},
        {"X-API-Key": key},
        {"Cookie": f"key={key}"},
    ]
    paths = [
        f"/scans?api_key={key}",
        f"/{key}",
        f"/scans/{key}",
        f"/cards/{key}",
        f"/static/{key}",
        f"/health?k={key}",
    ]
    with httpx.Client(base_url=url, timeout=30) as client:
        statuses = {client.get("/scans", headers=one).status_code for one in headers}
        for path in paths:
            for one in ({}, {"X-API-Key": key}):
                statuses.add(client.get(path, headers=one).status_code)
        bodies = {"verdict": "card", "note": key, "card_id": key, key: key}
        statuses.add(client.post("/corrections", json=bodies, headers={"X-API-Key": key}).status_code)
        statuses.add(client.post("/identify", files={key: key}, headers={"X-API-Key": key}).status_code)
        statuses.add(client.request(key.upper(), "/scans").status_code)
    return statuses


def test_no_key_is_ever_logged_however_it_is_sent(gallery_url: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"filed:identify:{FILED}\n")
    settings = {"api_keys": f"shop:admin:{GOOD}", "api_keys_file": keys, "log_level": "debug"}
    with served(tmp_path, database_url=gallery_url, **settings) as service:
        service.wait_until(is_ready)
        assert ask_in_every_way(service.url, GOOD) >= {200, 401, 404, 422}
        assert ask_in_every_way(service.url, FILED) >= {200, 401, 403}
        assert ask_in_every_way(service.url, BAD) <= {401, 404, 405, 422}
        with socket.create_connection(("127.0.0.1", service.port)) as raw:
            raw.sendall(f"GET /{GOOD} HTTP/9.9 {GOOD}\r\n{GOOD}\r\n\r\n".encode())
            raw.recv(1000)
        keys.write_text(f"filed:identify:{FILED}\n{BAD}\n")  # somebody pastes a key without its id
        wait_for_event(service, "api_keys_kept")
        assert service.stop() == 0
        basics = [base64.b64encode(f"user:{key}".encode()).decode() for key in (GOOD, FILED, BAD)]
        assert len(service.events("request")) > 50
        for secret in (GOOD, FILED, BAD, GOOD.upper(), *basics):
            assert secret not in service.log


def wait_for_event(service: Served, name: str, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not service.events(name):
        assert time.monotonic() < deadline, service.log[-2000:]
        time.sleep(0.1)


def test_a_key_is_rotated_while_the_service_runs(gallery_url: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("shop:identify:old\n")

    def status(key: str) -> int:
        return httpx.get(f"{service.url}/scans", headers={"X-API-Key": key}, timeout=30).status_code

    with served(tmp_path, database_url=gallery_url, api_keys_file=keys) as service:
        service.wait_until(is_ready)
        assert (status("old"), status("new")) == (200, 401)
        keys.write_text("shop:identify:old\nshop:identify:new\n")
        wait_for_event(service, "api_keys_read")
        assert (status("old"), status("new")) == (200, 200)
        keys.write_text("shop:identify:new\n")
        deadline = time.monotonic() + 30
        while status("old") == 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert (status("old"), status("new")) == (401, 200)


def test_a_scan_in_flight_is_answered_before_the_service_ends(
    gallery_url: str, tmp_path: Path, big_page: Scene
) -> None:
    replies: list[httpx.Response] = []
    files = as_upload(big_page.image)
    with served(tmp_path, database_url=gallery_url) as service:
        service.wait_until(is_ready)

        def scan() -> None:
            replies.append(httpx.post(f"{service.url}/identify", files=files, timeout=60))

        sender = threading.Thread(target=scan)
        sender.start()
        wait_until_a_permit_is_taken(service.url)
        service.process.send_signal(signal.SIGTERM)
        assert replies == []  # it was still being worked on
        sender.join(60)
        assert service.process.wait(60) == 0
    assert [reply.status_code for reply in replies] == [200]
    assert len(replies[0].json()["cards"]) == 9
    assert service.ready() is None


def wait_until_a_permit_is_taken(url: str) -> None:
    deadline = time.monotonic() + 30
    while 'binderlens_permits{state="taken"} 1.0' not in httpx.get(f"{url}/metrics", timeout=30).text:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_sender_who_never_ends_does_not_hold_up_the_end(gallery_url: str, tmp_path: Path) -> None:
    with served(tmp_path, database_url=gallery_url) as service:
        service.wait_until(is_ready)
        with socket.create_connection(("127.0.0.1", service.port)) as idle:
            head = "POST /identify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
            idle.sendall(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n--b".encode())
            time.sleep(1)
            asked = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - asked < END_LIMIT_S


@pytest.fixture
def late_database() -> Iterator[EmbeddedPostgres]:
    """A server that has not been started."""
    folder = Path(tempfile.mkdtemp(prefix="binderlens-late-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder, FAST_SETTINGS)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_service_that_starts_before_its_database_waits_for_it_and_for_its_migrations(
    tmp_path: Path, late_database: EmbeddedPostgres
) -> None:
    with served(tmp_path, database_url=late_database.dsn) as service:
        waiting = service.wait_until(lambda reply: "waiting for the database" in reply.text)
        assert waiting.status_code == 503
        assert int(waiting.headers["retry-after"]) > 0
        assert httpx.get(f"{service.url}/health", timeout=10).status_code == 200
        metrics = httpx.get(f"{service.url}/metrics", timeout=10).text
        assert 'binderlens_ready{check="startup"} 0.0' in metrics
        late_database.start()
        unmigrated = service.wait_until(lambda reply: "binderlens migrate" in reply.text)
        assert unmigrated.status_code == 503
        asyncio.run(migrate(late_database.dsn))
        reply = service.wait_until(
            lambda reply: "checks" in reply.json() and len(reply.json()["checks"]) == 4
        )
        state = {check["name"]: check["ok"] for check in reply.json()["checks"]}
        assert state == {"encoder": True, "database": True, "gallery": False, "memory": True}
        assert "gallery import" in reply.json()["detail"]
        assert service.stop() == 0
