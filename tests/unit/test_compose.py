"""What the compose file promises fits the program."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from app.cli.server import SHUTDOWN_GRACE_S
from app.services.identify import CLOSE_TIMEOUT_S
from app.settings import PROJECT_ROOT, Settings


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((PROJECT_ROOT / name).read_text(encoding="utf-8"))


def test_compose_gives_everything_a_limit_and_the_database_room_to_build_an_index() -> None:
    services = read("docker-compose.yml")["services"]
    assert all("mem_limit" in service for service in services.values())
    assert services["database"]["shm_size"] == "256mb"
    assert services["database"]["image"].startswith("pgvector/pgvector:")
    assert "API_KEYS" in services["binderlens"]["environment"]


def test_compose_migrates_before_it_serves() -> None:
    services = read("docker-compose.yml")["services"]
    assert services["migrate"]["command"] == ["binderlens", "migrate"]
    waits = services["binderlens"]["depends_on"]["migrate"]["condition"]
    assert waits == "service_completed_successfully"


def test_render_gets_keys_from_a_person_and_the_database_from_itself() -> None:
    blueprint = read("render.yaml")
    [service] = blueprint["services"]
    variables = {one["key"]: one for one in service["envVars"]}
    assert variables["API_KEYS"] == {"key": "API_KEYS", "sync": False}
    assert variables["DATABASE_URL"]["fromDatabase"]["name"] == blueprint["databases"][0]["name"]
    assert service["preDeployCommand"] == "binderlens migrate"
    # Services with a disk are not given the time that scans in flight need.
    assert "disk" not in service
    assert service["maxShutdownDelaySeconds"] > SHUTDOWN_GRACE_S + CLOSE_TIMEOUT_S + 10


@pytest.mark.parametrize("name", ["docker-compose.yml", "render.yaml"])
def test_every_setting_that_is_named_is_one(name: str) -> None:
    text = (PROJECT_ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:key: |^ +)([A-Z][A-Z_]+)(?::|$)", text, re.MULTILINE))
    known = {setting.upper() for setting in Settings.model_fields}
    assert {"DATABASE_URL", "API_KEYS"} <= named
    assert named - known <= {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}


def test_docker_waits_longer_than_a_shutdown_takes() -> None:
    compose = (PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    service = compose[compose.index("\n  binderlens:") :]
    found = re.search(r"^    stop_grace_period: (\d+)s$", service, re.MULTILINE)
    assert found is not None
    database_pool_s = 10
    assert int(found[1]) > SHUTDOWN_GRACE_S + CLOSE_TIMEOUT_S + database_pool_s
