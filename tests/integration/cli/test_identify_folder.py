"""``identify DIR --csv --output FILE``: a whole collection, in parallel, broken off and gone on with."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from app.services.scan_csv import CSV_COLUMNS
from app.settings import PROJECT_ROOT
from app.vision.decode import encode_jpeg
from tests.command_line import CommandLine
from tests.integration.cli.conftest import CardFolder


@pytest.fixture
def filled(binderlens: CommandLine, cards: CardFolder) -> CommandLine:
    assert binderlens(*cards.import_args).status == 0
    return binderlens


@pytest.fixture
def folder(page_file: Path, tmp_path: Path) -> Path:
    """Pages 1, 2, 9 and 10, of which 9 shows no card, and something else."""
    inside = tmp_path / "binder" / "first"
    inside.mkdir(parents=True)
    for number in (1, 2, 10):
        # Other bytes, the same picture: a JPEG may carry anything behind its end.
        (inside / f"page {number}.jpg").write_bytes(page_file.read_bytes() + bytes([number]))
    (inside / "page 9.jpg").write_bytes(encode_jpeg(np.full((600, 800, 3), 90, np.uint8), 90))
    (inside / "notes.txt").write_text("not a picture")
    return tmp_path / "binder"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def pages_of(text: str) -> Counter[str]:
    return Counter(Path(row["image"]).stem for row in rows_of(text))


def started(
    args: tuple[object, ...], folder: Path, database_url: str, models_dir: Path, **streams: object
) -> subprocess.Popen[str]:
    """``binderlens`` in a process of its own."""
    values = {"DATABASE_URL": database_url, "MODELS_DIR": models_dir, "ENCODER": "tiny", "ENCODER_THREADS": 1}
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)} | {k: str(v) for k, v in values.items()}
    command = [sys.executable, "-m", "app", *map(str, args)]
    return subprocess.Popen(command, env=environment, cwd=folder, text=True, **streams)


def test_a_folder_is_identified_in_natural_order_and_a_page_without_cards_has_a_line(
    filled: CommandLine, folder: Path
) -> None:
    outcome = filled("identify", folder, "--csv")
    assert (outcome.status, outcome.err) == (0, "")
    assert list(pages_of(outcome.out).items()) == [
        ("page 1", 4),
        ("page 2", 4),
        ("page 9", 1),
        ("page 10", 4),
    ]
    assert outcome.out.splitlines()[0] == ",".join(("image", "image_sha256", "cards", *CSV_COLUMNS))
    [empty] = [row for row in rows_of(outcome.out) if row["cards"] == "0"]
    assert {empty[name] for name in CSV_COLUMNS} == {""}


@pytest.mark.parametrize("form", ["--csv", "--json"])
def test_a_second_run_does_only_what_is_new_changed_or_failed(
    form: str, filled: CommandLine, folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "cards.out"
    broken = folder / "first" / "page 3.jpg"
    broken.write_bytes((folder / "first" / "page 1.jpg").read_bytes()[:200])
    first = filled("identify", folder, form, "--output", output)
    assert (first.status, first.out) == (1, "")
    told, counted, has = first.err.splitlines()
    assert told.startswith(f"binderlens: {broken}: ")
    assert counted == "binderlens: 1 of 5 pictures could not be identified"
    assert has == f"binderlens: {output} has 4 of 5 pictures, 4 of them new"
    before = output.read_text()

    shutil.copy(folder / "first" / "page 2.jpg", broken)
    with (folder / "first" / "page 1.jpg").open("ab") as changed:
        changed.write(b"more")
    second = filled("identify", folder, form, "--output", output)
    assert (second.status, second.err) == (0, f"binderlens: {output} has 5 of 5 pictures, 2 of them new\n")
    after = output.read_text()
    if form == "--json":
        files = [json.loads(line)["file"] for line in after.splitlines()]
        assert sorted(Path(file).stem for file in files) == [
            "page 1",
            "page 10",
            "page 2",
            "page 3",
            "page 9",
        ]
    else:
        assert pages_of(after) == {"page 1": 4, "page 2": 4, "page 3": 4, "page 9": 1, "page 10": 4}
        assert len(set(before.splitlines()) & set(after.splitlines())) == 1 + 4 + 1 + 4
    third = filled("identify", folder, form, "--output", output)
    assert (third.status, output.read_text()) == (0, after)

    again = filled("identify", folder, form, "--output", output, "--restart")
    assert again.err == f"binderlens: {output} has 5 of 5 pictures, 5 of them new\n"


def test_what_was_done_before_is_drawn_all_the_same_and_a_drawing_is_no_picture_to_identify(
    filled: CommandLine, folder: Path, tmp_path: Path
) -> None:
    output, place = tmp_path / "cards.csv", folder / "first"
    assert filled("identify", folder, "--csv", "--output", output).status == 0
    before = output.read_text()
    drawing = ("identify", folder, "--csv", "--output", output, "--draw", place)
    outcome = filled(*drawing)
    assert outcome.err.splitlines() == [
        "binderlens: 4 of the pictures had an answer and were looked at again to be drawn",
        f"binderlens: {output} has 4 of 4 pictures, 0 of them new",
    ]
    assert sorted(path.name for path in place.glob("*.found.jpg")) == [
        f"page {number}.found.jpg" for number in (1, 10, 2, 9)
    ]
    for again in (drawing, drawing[:-2]):
        assert filled(*again).err == f"binderlens: {output} has 4 of 4 pictures, 0 of them new\n"
    assert output.read_text() == before


def test_a_photo_that_is_called_like_a_drawing_is_identified_and_not_written_over(
    filled: CommandLine, folder: Path
) -> None:
    photo = folder / "first" / "page 1.found.jpg"
    shutil.copy(folder / "first" / "page 1.jpg", photo)
    before = photo.read_bytes()
    outcome = filled("identify", folder, "--csv", "--draw", folder / "first")
    assert pages_of(outcome.out)["page 1.found"] == 4
    assert photo.read_bytes() == before
    assert (folder / "first" / "page 1-2.found.jpg").exists()


def test_an_interrupted_run_keeps_what_it_has_and_says_how_to_go_on(
    filled: CommandLine, folder: Path, tmp_path: Path, database_url: str, models_dir: Path
) -> None:
    original = (folder / "first" / "page 1.jpg").read_bytes()
    for number in range(20, 30):
        (folder / "first" / f"page {number}.jpg").write_bytes(original + bytes([number]))
    output = tmp_path / "cards.csv"
    args = ("identify", folder, "--csv", "--output", output)
    with started(args, tmp_path, database_url, models_dir, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not (output.exists() and output.read_text().count("\n") > 8):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    stopped, has, advice = err.splitlines()
    done = len(pages_of(output.read_text()))
    assert process.returncode == 1
    assert 2 <= done < 14
    assert stopped == f"binderlens: stopped after {done} of 14 pictures"
    assert has.endswith(f"has {done} of 14 pictures, {done} of them new")
    assert advice == "binderlens: what is done is kept: run the same command again to go on"
    rest = filled("identify", folder, "--csv", "--output", output)
    assert (rest.status, rest.err) == (
        0,
        f"binderlens: {output} has 14 of 14 pictures, {14 - done} of them new\n",
    )
    assert len(pages_of(output.read_text())) == 14


def test_a_terminal_shows_how_far_it_is_and_a_failure_a_line_of_its_own(
    filled: CommandLine, folder: Path, tmp_path: Path, database_url: str, models_dir: Path
) -> None:
    (folder / "first" / "page 3.jpg").write_text("not a picture")
    ours, its = os.openpty()
    args = ("identify", "binder", "--csv")
    with started(args, tmp_path, database_url, models_dir, stdout=subprocess.PIPE, stderr=its) as process:
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # Linux says so when the other end is closed
            while chunk := os.read(ours, 65_536):
                shown += chunk
        assert process.stdout is not None
        assert pages_of(process.stdout.read()) == {"page 1": 4, "page 2": 4, "page 9": 1, "page 10": 4}
    os.close(ours)
    assert process.returncode == 1
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "pictures" in text and "5/5" in text
    lines = [line.strip() for line in re.split(r"[\r\n]+", text)]
    assert [line for line in lines if line.startswith("binderlens: binder/first/page 3.jpg: ")]


def test_options_that_do_not_go_together_are_wrong_usage(filled: CommandLine, folder: Path) -> None:
    for args in (("--output", "x.csv"), ("--csv", "--restart"), ("--csv", "--json")):
        assert filled("identify", folder, *args).status == 2


def test_a_folder_without_pictures_and_a_foreign_file_are_one_clear_line(
    filled: CommandLine, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert "has no pictures" in filled("identify", tmp_path / "empty", "--csv").error
    photo = folder / "first" / "page 1.jpg"
    before = photo.read_bytes()
    for more in ((), ("--restart",)):
        assert "name another one" in filled("identify", folder, "--csv", "--output", photo, *more).error
    assert photo.read_bytes() == before
