from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from PIL import Image

from app.obs.logging import configure_logging
from app.vision.decode import decode_image


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    pillow = logging.getLogger("PIL")
    handlers, level, pillow_level = root.handlers, root.level, pillow.level
    yield
    pillow.setLevel(pillow_level)
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail_with_a_secret() -> None:
    password = "hunter2"
    raise RuntimeError(f"{len(password)} characters")


def test_json_lines_hold_the_event_its_fields_and_the_context(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("app.test").info("scan", cards=9)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["cards"], line["request_id"]) == ("scan", 9, "r-1")
    assert (line["level"], line["logger"]) == ("info", "app.test")
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_take_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning", "json")
    logging.getLogger("asyncpg").warning("gone %s", "away")
    logging.getLogger("asyncpg").info("not this")
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "gone away"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_neither_bytes_nor_secrets_are_logged(log_format, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", log_format)
    structlog.get_logger().info("scan", image=b"\xff\xd8pixels", Authorization="Bearer hunter2")
    output = capsys.readouterr().err
    assert "[8 bytes]" in output and "[hidden]" in output
    assert "pixels" not in output and "hunter2" not in output


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_lines_but_no_local_variables(
    log_format, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info", log_format)
    try:
        fail_with_a_secret()
    except RuntimeError:
        structlog.get_logger().exception("failed")
    output = capsys.readouterr().err
    assert "fail_with_a_secret" in output and "7 characters" in output
    assert "hunter2" not in output


@pytest.mark.parametrize("picture_format", ["TIFF", "JPEG", "PNG"])
def test_even_on_debug_no_tag_of_a_picture_is_logged(
    picture_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exif = Image.Exif()
    exif[0x013B] = "A. Photographer"
    exif[0x8298] = "hers alone"
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, picture_format, exif=exif)
    configure_logging("debug", "json")
    decode_image(stream.getvalue(), max_upload_bytes=10**6, max_pixels=10**6)
    Image.open(stream).getexif()
    logging.getLogger("app.test").debug("something else")
    output = capsys.readouterr().err
    assert "something else" in output
    assert "Photographer" not in output and "hers alone" not in output


def test_a_higher_level_holds_for_pillow_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("error", "json")
    logging.getLogger("PIL.TiffImagePlugin").warning("not this")
    assert capsys.readouterr().err == ""
