"""The file that gathers answers: what it takes for done, after whatever happened to it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.cli.result_file import ResultFile
from app.cli.result_lines import CsvLines, JsonLines, Lines
from app.domain.errors import ConfigurationError
from app.domain.types import Card, MemorySnapshot, ScanResult
from tests.integration.db.builders import identification, scan

MEMORY = MemorySnapshot(1, 1, 0, 1, None, 0, 0, 0, 8)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def answer(data: bytes, cards: int) -> ScanResult:
    card = Card("sv5-131", "Drowzee, the\n=third", "sv5", None, "131/162")
    found = replace(identification(), card=card)
    return replace(scan(), scan_id=uuid4(), sha256=sha256(data), cards=(found,) * cards)


def add(file: ResultFile, lines: Lines, name: str, data: bytes, cards: int = 2) -> None:
    file.add(Path(name), sha256(data), lines.of(Path(name), answer(data, cards), MEMORY))


@pytest.fixture(params=[CsvLines, JsonLines])
def lines(request: pytest.FixtureRequest) -> Lines:
    return request.param()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "found" / "cards.csv"


def test_what_was_added_is_done_in_the_next_run_under_that_name_and_with_those_bytes(
    path: Path, lines: Lines
) -> None:
    with ResultFile(path, lines) as file:
        add(file, lines, "a.jpg", b"a")
        add(file, lines, "empty.jpg", b"e", cards=0)
    before = path.read_bytes()
    with ResultFile(path, lines) as file:
        assert file.has(Path("a.jpg"), sha256(b"a")) and file.has(Path("empty.jpg"), sha256(b"e"))
        assert not file.has(Path("a.jpg"), sha256(b"b"))
        assert not file.has(Path("b.jpg"), sha256(b"a"))
    assert path.read_bytes() == before


@given(share=st.floats(0, 1))
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
def test_wherever_it_was_cut_off_whole_pictures_are_kept_and_the_rest_is_done_again(
    path: Path, lines: Lines, share: float
) -> None:
    path.unlink(missing_ok=True)
    with ResultFile(path, lines) as file:
        start = len(path.read_bytes())
        ends = []
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            add(file, lines, name, name.encode(), cards=3)
            ends.append(len(path.read_bytes()))
    whole = path.read_bytes()
    cut = start + round(share * (len(whole) - start))
    path.write_bytes(whole[:cut])
    with ResultFile(path, lines) as file:
        done = [name for name in ("a.jpg", "b.jpg", "c.jpg") if file.has(Path(name), sha256(name.encode()))]
    assert done == [name for name, end in zip(("a.jpg", "b.jpg", "c.jpg"), ends, strict=True) if end <= cut]
    assert path.read_bytes() == whole[: ([start] + [end for end in ends if end <= cut])[-1]]


def test_a_picture_that_has_changed_is_done_again_and_its_old_lines_go(path: Path, lines: Lines) -> None:
    with ResultFile(path, lines) as file:
        add(file, lines, "a.jpg", b"old", cards=3)
        add(file, lines, "b.jpg", b"b")
    with ResultFile(path, lines) as file:
        add(file, lines, "a.jpg", b"new", cards=1)
        half_way = path.read_bytes()
    text = path.read_text()
    assert sha256(b"old") not in text
    assert text.count(sha256(b"new")) == 1 and sha256(b"b") in text
    # Killed before it was tidied up: the next run does it.
    path.write_bytes(half_way)
    with ResultFile(path, lines) as file:
        assert file.has(Path("a.jpg"), sha256(b"new")) and not file.has(Path("a.jpg"), sha256(b"old"))
    assert path.read_text() == text


@pytest.mark.parametrize("bytes_there", [1, 5])
def test_a_file_that_was_cut_off_in_its_first_words_is_begun_again(
    bytes_there: int, path: Path, lines: Lines
) -> None:
    path.parent.mkdir()
    path.write_bytes(lines.start.encode()[:bytes_there])
    with ResultFile(path, lines) as file:
        add(file, lines, "a.jpg", b"a")
    with ResultFile(path, lines) as file:
        assert file.has(Path("a.jpg"), sha256(b"a"))


def test_a_link_stays_a_link(path: Path, lines: Lines, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere.txt")
    for content in (b"old", b"new"):
        with ResultFile(path, lines) as file:
            add(file, lines, "a.jpg", content)
    assert path.is_symlink()
    text = (tmp_path / "elsewhere.txt").read_text()
    assert sha256(b"new") in text and sha256(b"old") not in text


def test_restart_forgets_everything(path: Path, lines: Lines) -> None:
    with ResultFile(path, lines) as file:
        add(file, lines, "a.jpg", b"a")
    with ResultFile(path, lines, restart=True) as file:
        assert not file.has(Path("a.jpg"), sha256(b"a"))
    assert path.read_text() == lines.header


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff\xe0 a picture\n", b"name,price\na,1\n", b"a note", b"[]\n", b'"']
)
@pytest.mark.parametrize("restart", [False, True])
def test_a_file_of_somebody_else_is_left_as_it_is(
    content: bytes, restart: bool, path: Path, lines: Lines
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="name another one"):
        ResultFile(path, lines, restart=restart)
    assert path.read_bytes() == content
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_csv_is_not_taken_for_json_nor_json_for_csv(path: Path) -> None:
    for mine, other in ((CsvLines(), JsonLines()), (JsonLines(), CsvLines())):
        with ResultFile(path, mine, restart=True) as file:
            add(file, mine, "a.jpg", b"a")
        with pytest.raises(ConfigurationError):
            ResultFile(path, other)
        path.unlink()


def test_a_table_that_a_spreadsheet_sorted_and_saved_is_understood(path: Path) -> None:
    lines = CsvLines()
    with ResultFile(path, lines) as file:
        add(file, lines, "a.jpg", b"a", cards=3)
        add(file, lines, "b.jpg", b"b", cards=3)
    header, *rows = csv.reader(io.StringIO(path.read_text(), newline=""))
    assert len(rows) == 6
    with path.open("w", newline="", encoding="utf-8-sig") as saved:
        csv.writer(saved, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(
            [header, *rows[::2], *rows[1::2]]
        )
    with ResultFile(path, lines) as file:
        assert file.has(Path("a.jpg"), sha256(b"a")) and file.has(Path("b.jpg"), sha256(b"b"))


def test_two_runs_do_not_write_one_file(path: Path, lines: Lines) -> None:
    with (
        ResultFile(path, lines) as file,
        pytest.raises(ConfigurationError, match="is being written by another run"),
    ):
        add(file, lines, "a.jpg", b"a")
        ResultFile(path, lines)
    with ResultFile(path, lines) as file:
        assert file.has(Path("a.jpg"), sha256(b"a"))


def test_names_that_are_no_text_or_a_formula_are_found_again(path: Path, lines: Lines) -> None:
    names = ["=cmd|x.jpg", 'quoted, "name".jpg', b"caf\xe9.jpg".decode("utf-8", "surrogateescape"), "-1.jpg"]
    with ResultFile(path, lines) as file:
        for name in names:
            add(file, lines, name, name.encode("utf-8", "surrogateescape"))
    with ResultFile(path, lines) as file:
        for name in names:
            assert file.has(Path(name), sha256(name.encode("utf-8", "surrogateescape")))
    if isinstance(lines, CsvLines):
        assert next(csv.DictReader(io.StringIO(path.read_text())))["image"] == "'=cmd|x.jpg"
    else:
        assert json.loads(path.read_text().splitlines()[0])["file"] == "=cmd|x.jpg"


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path, lines: Lines) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot write"):
        ResultFile(tmp_path / "file" / "cards.csv", lines)
    with pytest.raises(ConfigurationError, match="cannot write"):
        ResultFile(tmp_path, lines)
