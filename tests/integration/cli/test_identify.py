"""``identify``: the same pipeline without HTTP, for people and for programs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import cv2
import pytest

from app.domain.evidence import EVIDENCE
from tests.command_line import CommandLine
from tests.integration.cli.conftest import CardFolder
from tests.openapi import Contract


@pytest.fixture
def filled(binderlens: CommandLine, cards: CardFolder) -> CommandLine:
    assert binderlens(*cards.import_args).status == 0
    return binderlens


def test_json_lines_hold_to_the_contract_and_name_file_and_memory(
    filled: CommandLine, page_file: Path, contract: Contract
) -> None:
    outcome = filled("identify", page_file, page_file, "--json", "--candidates", 2)
    assert (outcome.status, outcome.err) == (0, "")
    first, second = map(json.loads, outcome.out.splitlines())
    assert first["scan_id"] != second["scan_id"]
    for line in (first, second):
        assert line.pop("file") == str(page_file)
        contract.validate({"$ref": "#/components/schemas/MemoryModel"}, line.pop("memory"))
        contract.validate({"$ref": "#/components/schemas/ScanModel"}, line)
        assert len(line["cards"]) == 4
        assert {len(card["candidates"]) for card in line["cards"]} == {2}


def test_csv_has_a_line_for_each_card(filled: CommandLine, page_file: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(filled("identify", page_file, "--csv").out)))
    assert [(row["row"], row["column"]) for row in rows] == [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]
    assert {row["image"] for row in rows} == {str(page_file)}
    assert {row["image_sha256"] for row in rows} == {hashlib.sha256(page_file.read_bytes()).hexdigest()}
    assert {row["cards"] for row in rows} == {"4"}


def test_a_table_shows_every_card(filled: CommandLine, page_file: Path) -> None:
    out = filled("identify", page_file).out
    assert "page.jpg:4cards" in "".join(out.split())  # a long path is wrapped
    assert all(f"│ {place} " in out for place in ("1.1", "1.2", "2.1", "2.2"))


def test_a_narrow_terminal_cuts_off_neither_ids_nor_statuses(filled: CommandLine, page_file: Path) -> None:
    found = json.loads(filled("identify", page_file, "--json").out)["cards"]
    filled.setenv(COLUMNS=80)
    out = filled("identify", page_file).out
    assert "…" not in out
    assert len(found) == 4
    for card in found:
        assert f"│ {card['card']['card_id'] if card['card'] else '-'} " in out
        assert f"│ {card['status']} " in out


def test_explain_shows_the_evidence_of_each_card(filled: CommandLine, page_file: Path) -> None:
    out = filled("explain", page_file, "--candidates", 3).out
    assert [f"card {n}: turned" in out for n in (1, 2, 3, 4)] == [True] * 4
    assert all(term in out for term in EVIDENCE)
    assert out.count("patches found move together") == 4


def test_explain_in_a_narrow_terminal_still_shows_every_term_and_name(
    filled: CommandLine, page_file: Path
) -> None:
    found = json.loads(filled("identify", page_file, "--json", "--candidates", 2).out)["cards"]
    filled.setenv(COLUMNS=80)
    out = filled("explain", page_file, "--candidates", 2).out
    assert all(term[:6] in out for term in EVIDENCE)
    assert "…" not in out
    for card in found:
        for candidate in card["candidates"]:
            assert candidate["card"]["card_id"] in out
            assert candidate["card"]["name"].split()[0] in out
            assert f"{candidate['similarity']:.3f}" in out


def test_explain_draws_a_picture_for_each_card(filled: CommandLine, page_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "why" / "here"
    assert filled("explain", page_file, "--draw", folder).status == 0
    names = [f"page.card-{position:02}.jpg" for position in (1, 2, 3, 4)]
    assert sorted(path.name for path in folder.iterdir()) == names
    drawn = [cv2.imread(str(folder / name)) for name in names]
    assert {picture.shape[1] for picture in drawn} == {drawn[0].shape[1]}
    assert all(cv2.absdiff(one[:600], drawn[0][:600]).mean() > 5 for one in drawn[1:])


def test_explain_that_cannot_write_its_pictures_is_one_line(
    filled: CommandLine, page_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    outcome = filled("explain", page_file, "--draw", tmp_path / "file")
    assert outcome.error.startswith(f"cannot write {tmp_path / 'file' / 'page.card-01.jpg'}")


def test_draw_writes_the_picture_with_the_cards_outlined(
    filled: CommandLine, page_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "found" / "here"
    assert filled("identify", page_file, "--draw", folder).status == 0
    before, after = cv2.imread(str(page_file)), cv2.imread(str(folder / "page.found.jpg"))
    assert before.shape == after.shape
    assert (cv2.absdiff(before, after).max(axis=2) > 80).mean() > 0.005


def test_a_folder_to_draw_in_that_cannot_be_written_is_one_line(
    filled: CommandLine, page_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot write" in filled("identify", page_file, "--json", "--draw", tmp_path / "file").error


def test_a_missing_file_and_a_text_file_are_one_clear_line(filled: CommandLine, tmp_path: Path) -> None:
    assert filled("identify", "missing.jpg").error == "cannot read missing.jpg: No such file or directory"
    (tmp_path / "notes.jpg").write_text("no picture")
    assert filled("identify", "notes.jpg").error.startswith("notes.jpg: ")


def test_a_bad_picture_among_good_ones_does_not_stop_them(
    filled: CommandLine, page_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.jpg").write_bytes(page_file.read_bytes()[:200])
    outcome = filled("identify", "missing.jpg", page_file, "cut.jpg", "--json")
    assert outcome.status == 1
    assert [json.loads(line)["file"] for line in outcome.out.splitlines()] == [str(page_file)]
    first, second, last = outcome.err.splitlines()
    assert "missing.jpg" in first and "cut.jpg" in second
    assert last == "binderlens: 2 of 3 pictures could not be identified"


def test_an_empty_gallery_says_what_to_run(binderlens: CommandLine, page_file: Path) -> None:
    assert binderlens("identify", page_file).error.endswith("run: binderlens gallery import")


def test_a_gallery_of_another_encoder_names_both(filled: CommandLine, page_file: Path) -> None:
    filled.setenv(ENCODER="other")
    assert "gallery re-embed" in filled("identify", page_file).error
