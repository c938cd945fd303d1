"""A manifest is read row by row: bad rows are named with their line, the rest goes in."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from app.domain.errors import ManifestError
from app.services.manifest import ManifestImage, read_manifest

HEADER = "card_id,name,set_id,set_name,number,rarity,language,game,image\n"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(b"x")
    (folder / "ring").symlink_to("ring")
    return folder


def write(tmp_path: Path, text: str, name: str = "cards.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_only_id_name_and_image_must_be_there(tmp_path: Path, images: Path) -> None:
    manifest = read_manifest(write(tmp_path, "card_id,name,image\nx-1,One,a.jpg\n"), images)
    assert manifest.bad_rows == ()
    assert manifest.cards[0].card.set_id is None
    assert manifest.cards[0].images == (ManifestImage((images / "a.jpg").resolve(), 2),)


def test_several_rows_of_one_card_are_several_reference_images(tmp_path: Path, images: Path) -> None:
    manifest = read_manifest(
        write(tmp_path, "card_id,name,image\nx-1,One,a.jpg\nx-1,One,b.jpg\nx-1,One,b.jpg\n"), images
    )
    [card] = manifest.cards
    assert [(image.path.name, image.line) for image in card.images] == [("a.jpg", 2), ("b.jpg", 3)]


@pytest.mark.parametrize(
    ("row", "complete"),
    [
        ("y-1,Other,gone.jpg", {"x-1": True, "x-2": True}),
        ("x-1,One,gone.jpg", {"x-1": False, "x-2": True}),
        ("x-1,Another name,b.jpg", {"x-1": False, "x-2": True}),
        ("x-1,One,b.jpg,more", {"x-1": False, "x-2": False}),
        (",One,b.jpg", {"x-1": False, "x-2": False}),
    ],
)
def test_a_card_that_a_bad_row_is_or_may_be_of_is_not_complete(
    tmp_path: Path, images: Path, row: str, complete: dict[str, bool]
) -> None:
    text = f"card_id,name,image\nx-1,One,a.jpg\n{row}\nx-2,Two,b.jpg\n"
    manifest = read_manifest(write(tmp_path, text), images)
    assert len(manifest.bad_rows) == 1
    assert {card.card.card_id: card.complete for card in manifest.cards} == complete


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("x\t1,One,a.jpg", "card_id holds a control character, such as a line break"),
        ("x-1,,a.jpg", "no name"),
        (",One,", "no card_id and no image"),
        ("x-1,One,missing.jpg", "image missing.jpg is not there"),
        ("x-1,One,../cards.csv", "outside"),
        ("x-1,One,/etc/hostname", "outside"),
        ("x-1,One,a.jpg,more", "more values than columns"),
        (f"x-1,{'n' * 501},a.jpg", "name is longer than 500"),
        ("x-1,One,.", "image . is not a file"),
        ("x-1,One,a.jpg/more.jpg", "is not there"),
        (f"x-1,One,{'i' * 300}.jpg", "cannot be read: File name too long"),
        ("x-1,One,ring/a.jpg", "cannot be read: "),
    ],
)
def test_a_bad_row_is_reported_with_its_line_and_the_rest_goes_in(
    tmp_path: Path, images: Path, row: str, why: str
) -> None:
    manifest = read_manifest(write(tmp_path, f"card_id,name,image\n{row}\nx-2,Two,b.jpg\n"), images)
    assert [card.card.card_id for card in manifest.cards] == ["x-2"]
    assert manifest.bad_rows[0].line == 2
    assert why in manifest.bad_rows[0].why


def test_a_card_that_contradicts_an_earlier_row_is_reported(tmp_path: Path, images: Path) -> None:
    manifest = read_manifest(write(tmp_path, "card_id,name,image\nx,One,a.jpg\nx,Two,b.jpg\n"), images)
    assert manifest.bad_rows[0].line == 3
    assert "line 2" in manifest.bad_rows[0].why


def test_json_lines_say_the_same_as_csv(tmp_path: Path, images: Path) -> None:
    row = {"card_id": "x-1", "name": "One", "number": 7, "image": "a.jpg"}
    manifest = read_manifest(write(tmp_path, f"{json.dumps(row)}\n\nnot json\n[1]\n", "cards.jsonl"), images)
    assert manifest.cards[0].card.number == "7"
    assert [(bad.line, bad.why[:8]) for bad in manifest.bad_rows] == [(3, "not JSON"), (4, "not a JS")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (r'{"card_id": "x-1", "name": "One \ud800", "image": "a.jpg"}', "name holds half a surrogate pair"),
        (r'{"card_id": "x-1", "name": "One", "image": "\udfff.jpg"}', "image holds half a surrogate pair"),
        (f'{{"card_id": {"9" * 5000}}}', "not usable JSON"),
        ("[" * 200_000, "not usable JSON"),
    ],
)
def test_a_json_line_that_no_database_could_hold_is_a_bad_row(
    tmp_path: Path, images: Path, line: str, why: str
) -> None:
    good = json.dumps({"card_id": "x-2", "name": "Two", "image": "b.jpg"})
    manifest = read_manifest(write(tmp_path, f"{line}\n{good}\n", "cards.jsonl"), images)
    assert [card.card.card_id for card in manifest.cards] == ["x-2"]
    [bad] = manifest.bad_rows
    assert (bad.line, bad.why[: len(why)]) == (1, why)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085"])
def test_a_line_separator_inside_a_text_ends_no_json_line(
    tmp_path: Path, images: Path, separator: str
) -> None:
    row = {"card_id": "x-1", "name": f"One{separator}Two", "image": "a.jpg"}
    text = json.dumps(row, ensure_ascii=False) + "\r\n"
    manifest = read_manifest(write(tmp_path, text, "cards.jsonl"), images)
    assert manifest.bad_rows == ()
    assert [card.card.name for card in manifest.cards] == [f"One{separator}Two"]


def test_a_picture_in_a_folder_that_may_not_be_read_is_a_bad_row(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As root every folder may be read, so the refusal itself is stood in for.
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    path = write(tmp_path, "card_id,name,image\nx-1,One,locked/a.jpg\n")
    resolved = images.resolve()
    monkeypatch.setattr(Path, "resolve", lambda self: refused() if self.name == "a.jpg" else resolved)
    assert [bad.why for bad in read_manifest(path, images).bad_rows] == [
        "image locked/a.jpg cannot be read: Permission denied"
    ]


def test_a_byte_order_mark_does_not_hide_the_first_column(tmp_path: Path, images: Path) -> None:
    path = tmp_path / "cards.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + "x,One,,,,,,,a.jpg\n").encode())
    assert len(read_manifest(path, images).cards) == 1


def test_a_column_that_is_there_twice_is_an_error_of_the_whole_file(tmp_path: Path, images: Path) -> None:
    path = write(tmp_path, "card_id,name,image,card_id\nx-1,One,a.jpg,x-2\n")
    with pytest.raises(ManifestError, match="has the column card_id more than once"):
        read_manifest(path, images)


def test_a_missing_column_is_an_error_of_the_whole_file(tmp_path: Path, images: Path) -> None:
    with pytest.raises(ManifestError, match="lacks the column name"):
        read_manifest(write(tmp_path, "card_id,image\nx,a.jpg\n"), images)


def test_a_file_that_is_not_there_or_not_text_is_an_error(tmp_path: Path, images: Path) -> None:
    with pytest.raises(ManifestError, match="cannot read"):
        read_manifest(tmp_path / "none.csv", images)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="not UTF-8"):
        read_manifest(tmp_path / "binary.csv", images)


def test_a_folder_of_images_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="not a folder"):
        read_manifest(write(tmp_path, HEADER), tmp_path / "none")
