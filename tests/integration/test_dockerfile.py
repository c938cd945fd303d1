"""The image's steps, read from the Dockerfile and run in a clean tree as its user, give a working service."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.settings import PROJECT_ROOT
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.folder import write_gallery
from app.synthesis.scenes import SceneKind
from tests.dockerfile import Stage, build, is_sent, read_steps
from tests.service import CARD_HEIGHT_PX, as_upload, photograph

CAN_CHROOT = os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def tree() -> Iterator[Path]:
    """A folder that other accounts may enter; pytest's own is closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="binderlens-image-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(url: str, service: subprocess.Popen[str], timeout_s: float = 120) -> httpx.Response:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and service.poll() is None:
        try:
            reply = httpx.get(f"{url}/ready", timeout=5)
            if reply.status_code == 200:
                return reply
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    service.kill()
    raise AssertionError(f"not ready: {service.communicate()[0][-3000:]}")


def import_cards(image: Stage, folder: Path) -> list:
    cards = invent_catalogue(4711, 12)
    write_gallery(cards, folder, CARD_HEIGHT_PX)
    inside = f"/{folder.relative_to(image.root)}"
    image.run(["binderlens", "gallery", "import", f"{inside}/manifest.csv", "--images", inside])
    return list(cards)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(not CAN_CHROOT, reason="needs root and mount namespaces")
def test_the_steps_give_a_service_that_identifies_a_page_as_another_user(tree: Path) -> None:
    image = build(PROJECT_ROOT, tree)
    print(json.dumps({"layers": image.layers}, indent=1))
    assert not (image.root / "opt/venv/lib/python3.11/site-packages/torch").exists()
    cards = import_cards(image, image.root / "tmp" / "gallery")
    port = free_port()
    keys = {"API_KEYS": "test:admin:one", "PORT": str(port)}
    service = image.start(image.command, **keys)
    url = f"http://127.0.0.1:{port}"
    wait_until_ready(url, service)
    status = Path(f"/proc/{service.pid}/status").read_text()
    assert "\nUid:\t10001\t10001\t10001\t10001\n" in status
    image.run(image.health, 30, PORT=str(port))
    page = photograph(cards[:9], SceneKind.PAGE_3X3)
    headers = {"X-API-Key": "one"}
    reply = httpx.post(f"{url}/identify", files=as_upload(page.image), headers=headers, timeout=60)
    assert reply.status_code == 200, reply.text
    artworks = {card.card.card_id: card.artwork_id for card in cards}
    named = [card["candidates"][0]["card"]["card_id"] for card in reply.json()["cards"]]
    assert [artworks[card_id] for card_id in named] == [artworks[card.card_id] for card in page.cards]
    out = image.run(["binderlens", "gallery", "backup", "/var/lib/binderlens/today.backup"])
    assert "wrote /var/lib/binderlens/today.backup" in out
    service.send_signal(signal.SIGTERM)
    out, _ = service.communicate(timeout=60)
    assert service.returncode == 0, out[-3000:]


def test_the_image_runs_as_nobody_in_particular_and_says_whether_it_lives() -> None:
    steps = {step.name: step.text for step in read_steps(PROJECT_ROOT / "Dockerfile")}
    assert steps["USER"] == "10001"
    assert "/health" in steps["HEALTHCHECK"]
    assert json.loads(steps["CMD"]) == ["binderlens", "serve"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("app/main.py", True),
        ("models/compact/visual.bin", True),
        ("scripts/slim.sh", True),
        (".env", False),
        ("data/postgres/PG_VERSION", False),
        (".git/config", False),
        ("app/__pycache__/main.cpython-311.pyc", False),
        ("models/vit-l-14/full_checkpoint.bin", False),
        ("models/training/run.py", False),
        ("tests/conftest.py", False),
        ("scripts/pin.sh", False),
    ],
)
def test_the_builder_gets_what_the_image_needs_and_no_secrets(path: str, sent: bool) -> None:
    assert is_sent(PROJECT_ROOT, Path(path)) == sent
