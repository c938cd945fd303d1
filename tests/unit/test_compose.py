"""What the compose file promises fits the program."""

from __future__ import annotations

import re

from app.cli.server import SHUTDOWN_GRACE_S
from app.services.identify import CLOSE_TIMEOUT_S
from app.settings import PROJECT_ROOT


def test_docker_waits_longer_than_a_shutdown_takes() -> None:
    compose = (PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    service = compose[compose.index("\n  binderlens:") :]
    found = re.search(r"^    stop_grace_period: (\d+)s$", service, re.MULTILINE)
    assert found is not None
    database_pool_s = 10
    assert int(found[1]) > SHUTDOWN_GRACE_S + CLOSE_TIMEOUT_S + database_pool_s
