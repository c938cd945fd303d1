"""0 done, 1 failed with one clear line on standard error, 2 wrong usage. Nothing here needs a database."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import CommandLine


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "70000"), ("RETRIEVAL_TOPK", "0"), ("ENCODER_PRECISION", "fp7"), ("SCAN_RETENTION_DAYS", "x")],
)
@pytest.mark.parametrize("args", [("serve",), ("gallery", "status")])
def test_a_bad_setting_is_named(command: CommandLine, name: str, value: str, args: tuple[str, ...]) -> None:
    command.setenv(**{name: value})
    assert command(*args).error.startswith(f"{name}: ")


def test_settings_that_contradict_each_other_are_named(command: CommandLine) -> None:
    command.setenv(RETRIEVAL_TOPK=10, RETRIEVAL_TOPK_RETRY=20)
    assert command("serve").error.startswith("RETRIEVAL_TOPK_RETRY is 20, more than RETRIEVAL_TOPK (10)")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_without_encoders_says_so_and_where_they_come_from(
    command: CommandLine, is_there: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "none"
    if is_there:
        folder.mkdir()
    command.setenv(MODELS_DIR=folder)
    outcome = command("models", "list")
    assert outcome.status == 0
    first, *rest = outcome.out.splitlines()
    assert first == f"no encoders in MODELS_DIR, {folder}" + ("" if is_there else ", which is not there")
    assert "models fetch" in rest[-1]


def test_listening_for_everybody_without_keys_is_refused(command: CommandLine) -> None:
    assert "API_KEYS" in command("serve", "--host", "0.0.0.0").error


@pytest.mark.parametrize("args", [("serve",), ("demo",), ("demo", "--once")])
def test_a_port_in_use_is_told_before_anything_is_started(
    command: CommandLine, taken_port: int, tmp_path: Path, args: tuple[str, ...]
) -> None:
    assert f"port {taken_port} on 127.0.0.1 is in use" in command(*args, "--port", taken_port).error
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "args", [("gallery", "status"), ("identify", "page.jpg"), ("models", "verify", "nosuch")]
)
def test_an_unknown_encoder_is_named(command: CommandLine, args: tuple[str, ...]) -> None:
    command.setenv(ENCODER="nosuch")
    assert "nosuch" in command(*args).error


def test_a_missing_manifest_is_named(command: CommandLine, tmp_path: Path) -> None:
    assert "no.csv" in command("gallery", "import", "no.csv", "--images", tmp_path).error


def test_a_missing_folder_of_images_is_named(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text("card_id,name,image\n")
    assert "nowhere is not a folder" in command("gallery", "import", "cards.csv", "--images", "nowhere").error


def test_a_manifest_without_its_columns_is_refused(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text("id,title\n1,x\n")
    assert "card_id, name, image" in command("gallery", "import", "cards.csv", "--images", tmp_path).error


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nosuch",), "nosuch"),
        (("identify",), "images"),
        (("identify", "a.jpg", "--candidates", "0"), "--candidates"),
        (("identify", "a.jpg", "--json", "--csv"), "choose one"),
        (("identify", "a.jpg", "--nosuch"), "--nosuch"),
        (("serve", "--port", "many"), "--port"),
        (("gallery", "import", "cards.csv"), "--images"),
        (("gallery", "fetch", "nosuch"), "nosuch"),
        (("gallery", "restore"), "file"),
    ],
)
def test_wrong_usage_is_status_2(command: CommandLine, args: tuple[str, ...], said: str) -> None:
    outcome = command(*args)
    assert outcome.status == 2
    assert said in outcome.err.lower()


@pytest.mark.parametrize("args", [("--help",), ("gallery", "--help"), ("models", "list")])
def test_what_is_done_is_status_0_and_silent_on_standard_error(
    command: CommandLine, args: tuple[str, ...]
) -> None:
    outcome = command(*args)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out


@pytest.mark.parametrize("args", [(), ("--fit",), ("--forget-fit", "page.json"), ("--fit", "--forget-fit")])
def test_evaluating_nothing_or_forgetting_beside_other_work_is_wrong_usage(
    command: CommandLine, args: tuple[str, ...]
) -> None:
    assert command("evaluate", *args).status == 2
