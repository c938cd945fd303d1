"""``gallery fetch pokemontcg --images``: pictures from a local folder, and hostile data."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.command_line import CommandLine, Outcome
from tests.integration.cli.pokemontcg_copy import CROPS, PICTURES, DataCopy, card, encoded, manifest_of

CEL = "https://images.pokemontcg.io/cel25c"


class Local:
    """A copy of the data, a folder of pictures, and the command with both."""

    def __init__(self, command: CommandLine, tmp_path: Path) -> None:
        self.copy = DataCopy(tmp_path / "copy")
        self.pictures = tmp_path / "pictures"
        self.pictures.mkdir()
        self.into = tmp_path / "deep" / "to"
        self._command = command

    def picture(self, relative: str, content: bytes) -> Path:
        path = self.pictures / relative
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def fetch(self, *more: object) -> Outcome:
        return self._command(
            *("gallery", "fetch", "pokemontcg", "--data", self.copy.root, "--images", self.pictures),
            *("--into", self.into, *more),
        )

    @property
    def kept(self) -> dict[str, bytes]:
        return {row["card_id"]: (self.into / row["image"]).read_bytes() for row in manifest_of(self.into)}


@pytest.fixture
def local(command: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be asked of any server")

    monkeypatch.setattr(httpx, "AsyncClient", refuse)
    return Local(command, tmp_path)


def test_the_sharpest_picture_of_the_folder_is_taken_whatever_its_format(local: Local) -> None:
    local.copy.add_set("base1", [card("base1", str(number)) for number in (1, 2, 3, 4)])
    local.picture("base1/1.png", PICTURES[1])
    local.picture("base1/1_hires.png", PICTURES[0])
    jpeg, webp = encoded(CROPS[2], ".jpg"), encoded(CROPS[3], ".webp")
    local.picture("base1/2.jpg", jpeg)
    local.picture("base1/3.png", webp)  # by its content, not by its name
    outcome = local.fetch()
    assert outcome.out.startswith("3 cards fetched, 0 were there, 1 have no picture")
    assert (outcome.status, outcome.err) == (0, "")
    assert "\nbase1: 1 of 4 cards are missing\n" in outcome.out
    assert local.kept == {"base1-1": PICTURES[0], "base1-2": jpeg, "base1-3": webp}
    assert [Path(row["image"]).suffix for row in manifest_of(local.into)] == [".png", ".jpg", ".webp"]


def test_a_changed_picture_is_taken_again_and_one_that_was_deleted_there_stays_here(local: Local) -> None:
    local.copy.add_set("base1", [card("base1", "1"), card("base1", "2")])
    changing, going = local.picture("base1/1.png", PICTURES[0]), local.picture("base1/2.png", PICTURES[1])
    local.fetch()
    assert local.fetch().out.startswith("0 cards fetched, 2 were there")
    changing.write_bytes(PICTURES[2])
    going.unlink()
    assert local.fetch().out.startswith("1 cards fetched, 1 were there, 0 have no picture")
    assert local.kept == {"base1-1": PICTURES[2], "base1-2": PICTURES[1]}


def test_cards_that_share_a_number_go_by_the_names_of_their_pictures(local: Local) -> None:
    shared = [
        card("cel25c", "15", id=f"cel25c-15_A{place}", images={"large": f"{CEL}/15_{letter}_hires.png"})
        for place, letter in enumerate("ABC", start=1)
    ]
    local.copy.add_set("cel25c", shared)
    local.picture("cel25c/_hires.png", PICTURES[3])
    local.picture("cel25c/15.png", PICTURES[3])  # of whom, nobody can say
    local.picture("cel25c/15_A_hires.png", PICTURES[0])
    local.picture("cel25c/15_B.png", PICTURES[1])
    assert "1 of 3 cards are missing" in local.fetch().out
    assert local.kept == {"cel25c-15_A1": PICTURES[0], "cel25c-15_A2": PICTURES[1]}


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_followed(local: Local, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PICTURES[0])
    inside = local.picture("base1/x.png", PICTURES[1])
    (local.pictures / "base1/1.png").symlink_to(tmp_path / "secret.png")
    (local.pictures / "base1/2.png").symlink_to(inside)
    local.copy.add_set("base1", [card("base1", "1"), card("base1", "2")])
    outcome = local.fetch()
    assert outcome.status == 1
    assert "base1-1: picture base1/1.png lies outside the folder of pictures" in outcome.err
    assert local.kept == {"base1-2": PICTURES[1]}


def test_a_file_that_is_no_picture_is_reported_and_the_rest_comes(local: Local) -> None:
    local.copy.add_set("base1", [card("base1", "1"), card("base1", "2")])
    local.picture("base1/1.png", b"<html>")
    local.picture("base1/2.png", PICTURES[0])
    (local.pictures / "base1/2_hires.png").mkdir()
    outcome = local.fetch()
    assert "base1-1: what came as its picture is none of JPEG, PNG, WebP" in outcome.err
    assert "base1-2: picture base1/2_hires.png is not a file" in outcome.err


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"name": "No id"}, "id: Field required"),
        ({"id": "base1-8"}, "name: Field required"),
        ({"id": "", "name": "Empty"}, "no id"),
        (card("base1", "8", name="  "), "no name"),
        (card("base1", "8", id="../../evil"), "could lead to another folder"),
        (card("base1", "8", id="a\\b"), "could lead to another folder"),
        (card("base1", "8", id=".."), "could lead to another folder"),
        (card("base1", "8", id="a\nb"), "id holds a control character"),
        (card("base1", "8", name="\x1b[2J"), "name holds a control character"),
        (card("base1", "8", name="n" * 501), "name is longer than 500"),
        (card("base1", "8", images="none"), "images: "),
        (card("base1", "8", images={"large": "https://x/\x1b"}), "address of its picture holds a control"),
        (card("base1", "1"), "a second card has the id base1-1"),
        ("text", "valid dictionary"),
        (None, "valid dictionary"),
    ],
)
def test_an_entry_that_is_no_card_is_told_of_and_the_rest_comes(
    local: Local, entry: object, why: str
) -> None:
    local.copy.add_set("base1", [card("base1", "1"), entry])
    local.picture("base1/1.png", PICTURES[0])
    local.picture("base1/8.png", PICTURES[1])
    outcome = local.fetch()
    line, last = outcome.err.splitlines()
    assert (outcome.status, why in line) == (1, True), line
    assert last == "binderlens: 1 entries of the data could not be used; see above"
    assert local.kept == {"base1-1": PICTURES[0]}


def test_an_id_that_no_file_can_bear_fails_alone(local: Local) -> None:
    local.copy.add_set("base1", [card("base1", "1", id="i" * 300), card("base1", "2")])
    local.picture("base1/1.png", PICTURES[0])
    local.picture("base1/2.png", PICTURES[1])
    assert "its id is too long for the name of a file" in local.fetch().err
    assert local.kept == {"base1-2": PICTURES[1]}


def test_a_number_cannot_lead_out_of_the_folder_of_pictures(local: Local, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PICTURES[0])
    address = "https://images.pokemontcg.io/..%2F..%2Fsecret_hires.png"
    evil = {**card("base1", "1", images={"large": address}), "number": "../../secret"}
    local.picture("base1/x.png", PICTURES[1])
    local.copy.add_set("base1", [evil])
    assert local.fetch().out.startswith("0 cards fetched, 0 were there, 1 have no picture")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"data": []}', "valid array"),
        ("[{},]", "trailing comma"),
        ("", "Invalid JSON"),
        ('["\\ud800"]', "Invalid JSON"),
        ("[" * 5000, "Invalid JSON"),
        (f'[{{"id": "base1-1", "name": "One", "number": {"9" * 5000}}}]', "number"),
    ],
)
def test_a_set_whose_file_is_not_usable_is_told_of_and_the_others_come(
    local: Local, content: str, why: str
) -> None:
    local.copy.add_set("base1", [])
    local.copy.add_set("base2", [card("base2", "1")])
    local.picture("base2/1.png", PICTURES[0])
    local.copy.write("cards/en/base1.json", content)
    outcome = local.fetch()
    line, _ = outcome.err.splitlines()
    assert (outcome.status, "base1" in line, why in line) == (1, True, True), line
    assert list(local.kept) == ["base2-1"]


def test_sets_that_are_none_or_lead_elsewhere_are_told_of(local: Local, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text("[]")
    local.copy.add_set("base1", [card("base1", "1")])
    (local.copy.root / "cards/en/linked.json").symlink_to(tmp_path / "elsewhere.json")
    names = ["base1", "base1", "../../../elsewhere", "linked", "nowhere"]
    local.copy.write("sets/en.json", [*({"id": name, "name": "A set"} for name in names), {"id": "x"}, 7])
    local.picture("base1/1.png", PICTURES[0])
    reasons = local.fetch().err
    for why in (
        "sets/en.json, entry 2: the set base1 was there before",
        "sets/en.json, entry 3: id '../../../elsewhere' could lead to another folder",
        "set linked: data file cards/en/linked.json lies outside",
        "set nowhere: data file cards/en/nowhere.json is not there",
        "sets/en.json, entry 6: name: Field required",
        "sets/en.json, entry 7: ",
    ):
        assert why in reasons
    assert list(local.kept) == ["base1-1"]


def test_what_cannot_be_fetched_at_all_is_one_line(
    local: Local, command: CommandLine, tmp_path: Path
) -> None:
    local.copy.add_set("sv5", [card("sv5", "1")])
    assert "no set 'sv05'; similar ones: sv5" in local.fetch("--set", "sv05").error
    assert "sets/fr.json is not there" in local.fetch("--language", "fr").error
    assert "not the code of a language" in local.fetch("--language", "../en").error
    assert "not a folder of pictures" in local.fetch("--images", tmp_path / "none").error
    local.copy.write("sets/en.json", {"data": []})
    assert "sets/en.json is not an array in JSON" in local.fetch().error
    fetch = ("gallery", "fetch")
    assert "not a folder of the" in command(*fetch, "pokemontcg", "--data", tmp_path / "none").error
    assert command(*fetch, "pokemontcg").status == 2
    assert command(*fetch, "tcgdex", "--data", local.copy.root).status == 2
