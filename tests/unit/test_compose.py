"""What the compose file promises fits the program."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.api.security import refuse_unsafe_listen
from app.cli.ending import END_LIMIT_S
from app.cli.server import SHUTDOWN_GRACE_S
from app.domain.errors import ConfigurationError
from app.inference import runner
from app.services import identify
from app.settings import PROJECT_ROOT, Settings


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((PROJECT_ROOT / name).read_text(encoding="utf-8"))


def interpolated(text: str, given: dict[str, str]) -> str:
    """As Compose does it, for the two forms that the file has: a default, and a value that must be there."""

    def value(found: re.Match[str]) -> str:
        name, form, rest = found.groups()
        if given.get(name):
            return given[name]
        assert form == ":-", f"{name} must be set: {rest}"
        return rest

    return re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", value, text)


def test_compose_gives_everything_a_limit_and_the_database_room_to_build_an_index() -> None:
    services = read("docker-compose.yml")["services"]
    assert all("mem_limit" in service for service in services.values())
    assert services["database"]["shm_size"] == "256mb"
    assert services["database"]["image"].startswith("pgvector/pgvector:")


def test_compose_builds_the_image_once_since_it_builds_side_by_side() -> None:
    services = read("docker-compose.yml")["services"]
    assert [name for name, service in services.items() if "build" in service] == ["binderlens"]
    assert services["migrate"]["image"] == services["binderlens"]["image"]


@pytest.mark.parametrize(
    ("given", "is_safe"),
    [
        ({"API_KEYS": "me:admin:a-key-of-some-length"}, True),
        ({"API_KEYS_FILE": "/run/keys/api_keys"}, True),
        ({}, False),
    ],
)
def test_compose_needs_keys_from_one_setting_or_the_other(
    given: dict[str, str], is_safe: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # no .env here
    monkeypatch.setenv("HOST", "0.0.0.0")  # as in the image
    for name, value in read("docker-compose.yml")["services"]["binderlens"]["environment"].items():
        monkeypatch.setenv(name, interpolated(value, given))
    with nullcontext() if is_safe else pytest.raises(ConfigurationError, match="API_KEYS_FILE"):
        refuse_unsafe_listen(Settings())


def test_compose_lets_no_log_fill_the_disk() -> None:
    for service in read("docker-compose.yml")["services"].values():
        assert service["logging"]["driver"] == "json-file"
        options = service["logging"]["options"]
        assert re.fullmatch(r"\d+m", options["max-size"])
        assert int(options["max-file"]) > 1
        assert isinstance(options["max-file"], str)  # Docker takes no number here


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
    # /health says 200 also where the encoder cannot be loaded.
    assert service["healthCheckPath"] == "/ready/startup"
    # Anything wider would believe an address that a visitor wrote.
    assert variables["FORWARDED_ALLOW_IPS"]["value"] == "10.0.0.0/8"
    # Services with a disk are not given the time that scans in flight need.
    assert "disk" not in service
    assert service["maxShutdownDelaySeconds"] >= END_LIMIT_S + 5


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
    assert int(found[1]) >= END_LIMIT_S + 5  # the last words, and a busy host


def test_a_shutdown_in_which_nothing_hangs_has_time_for_every_step() -> None:
    threads_s = max(runner.CLOSE_TIMEOUT_S, identify.CLOSE_TIMEOUT_S)  # side by side
    database_pool_s = 10
    assert SHUTDOWN_GRACE_S + threads_s + database_pool_s < END_LIMIT_S
