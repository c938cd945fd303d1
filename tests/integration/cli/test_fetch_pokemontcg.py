"""``gallery fetch pokemontcg`` with pictures from a server of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.domain.errors import BinderlensError, Unavailable
from app.services.gallery_fetch.folder import FetchFolder
from app.services.gallery_fetch.pictures import PICTURES_URL, DownloadedPictures
from app.services.gallery_fetch.pokemontcg import PokemonTcgFetcher
from app.services.gallery_fetch.pokemontcg_data import DataFolder
from app.services.gallery_fetch.polite_client import PoliteClient, Politeness
from app.services.gallery_fetch.run import FetchReport
from benchmarks.chaos.tcgdex_site import Damage, LocalTcgdex, serve_tcgdex
from tests.command_line import CommandLine
from tests.integration.cli.pokemontcg_copy import (
    CROPS,
    PICTURES,
    DataCopy,
    card,
    contents_of,
    encoded,
    manifest_of,
    serve_pictures,
)

HURRIED = Politeness(backoff_s=0.01)


@pytest.fixture
def site() -> Iterator[LocalTcgdex]:
    with serve_tcgdex() as server:
        serve_pictures(server, {"base1/4": PICTURES[0], "base1/H1": PICTURES[1], "base2/7": PICTURES[2]})
        yield server


@pytest.fixture
def copy(tmp_path: Path) -> DataCopy:
    made = DataCopy(tmp_path / "copy")
    made.add_set(
        "base1", [card("base1", "4"), card("base1", "H1", rarity=None), card("base1", "9", images={})]
    )
    made.add_set("base2", [card("base2", "7")], printed_total=None)
    return made


@pytest.fixture
def fetch(command: CommandLine, site: LocalTcgdex, copy: DataCopy) -> CommandLine:
    command.setenv(POKEMONTCG_IMAGES_URL=site.url, NO_PROXY="127.0.0.1")
    return command


async def fetch_now(
    site: LocalTcgdex, copy: DataCopy, into: Path, politeness: Politeness = HURRIED
) -> FetchReport:
    async with PoliteClient.open(politeness, [site.url]) as client:
        pictures = DownloadedPictures(client, site.url)
        return await PokemonTcgFetcher(DataFolder(copy.root, "en"), pictures, FetchFolder(into)).run()


def test_a_set_becomes_a_folder_with_pictures_and_a_manifest(
    fetch: CommandLine, copy: DataCopy, tmp_path: Path
) -> None:
    outcome = fetch("gallery", "fetch", "pokemontcg", "--data", copy.root, "--set", "base1")
    folder = tmp_path / "data" / "sources" / "pokemontcg"
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("2 cards fetched, 0 were there, 1 have no picture; ")
    assert "\nbase1: 1 of 3 cards are missing\n" in outcome.out
    assert f"binderlens gallery import {folder / 'manifest.csv'} --images {folder}" in outcome.out
    first, second = manifest_of(folder)
    assert first == {
        "card_id": "base1-4",
        "name": "Card 4",
        "set_id": "base1",
        "set_name": "Set base1",
        "number": "4/102",
        "rarity": "Rare Holo",
        "language": "en",
        "game": "pokemon",
        "image": "images/en/base1-4.png",
    }
    assert (folder / first["image"]).read_bytes() == PICTURES[0]
    assert (second["card_id"], second["number"], second["rarity"]) == ("base1-H1", "H1", "")


def test_without_a_set_all_come_and_can_be_imported_at_once(
    fetch: CommandLine, copy: DataCopy, database_url: str, models_dir: Path
) -> None:
    fetch.setenv(DATABASE_URL=database_url, MODELS_DIR=models_dir, ENCODER="tiny")
    outcome = fetch("gallery", "fetch", "pokemontcg", "--data", copy.root, "--import")
    assert (outcome.status, outcome.err) == (0, "")
    assert "3 cards: 3 added or changed" in outcome.out


def test_what_is_there_is_asked_for_no_more_but_a_damaged_picture_is(
    fetch: CommandLine, site: LocalTcgdex, copy: DataCopy, tmp_path: Path
) -> None:
    args = ("gallery", "fetch", "pokemontcg", "--data", copy.root, "--into", tmp_path / "to")
    fetch(*args)
    before = contents_of(tmp_path / "to")
    site.asked.clear()
    assert fetch(*args).out.startswith("0 cards fetched, 3 were there")
    assert site.paths == []
    (tmp_path / "to/images/en/base1-4.png").write_bytes(PICTURES[0][:-1])
    assert fetch(*args).out.startswith("1 cards fetched, 2 were there")
    assert site.paths == ["/base1/4_hires.png"]
    assert contents_of(tmp_path / "to") == before


def test_what_the_data_say_anew_is_in_the_manifest_and_another_address_is_asked(
    fetch: CommandLine, site: LocalTcgdex, copy: DataCopy, tmp_path: Path
) -> None:
    args = ("gallery", "fetch", "pokemontcg", "--data", copy.root, "--into", tmp_path / "to")
    fetch(*args)
    site.asked.clear()
    moved = {"large": f"{PICTURES_URL}/base2/7b_hires.png"}
    site.replies["/base2/7b_hires.png"] = encoded(CROPS[3], ".webp")
    copy.write("cards/en/base2.json", [card("base2", "7", images=moved)])
    copy.write("cards/en/base1.json", [card("base1", "4", name="Renamed"), card("base1", "H1")])
    assert fetch(*args).out.startswith("1 cards fetched, 2 were there")
    assert site.paths == ["/base2/7b_hires.png"]
    rows = {row["card_id"]: row for row in manifest_of(tmp_path / "to")}
    assert rows["base1-4"]["name"] == "Renamed"
    assert rows["base2-7"]["image"] == "images/en/base2-7.webp"
    pictures = sorted(path.name for path in (tmp_path / "to/images/en").iterdir())
    assert pictures == ["base1-4.png", "base1-H1.png", "base2-7.webp"]


def test_where_there_is_no_large_picture_the_small_one_is_taken(
    fetch: CommandLine, site: LocalTcgdex, copy: DataCopy, tmp_path: Path
) -> None:
    site.replies["/base2/7.png"] = site.replies.pop("/base2/7_hires.png")
    args = (
        "gallery",
        "fetch",
        "pokemontcg",
        "--data",
        copy.root,
        "--set",
        "base2",
        "--into",
        tmp_path / "to",
    )
    assert fetch(*args).status == 0
    assert fetch(*args).out.startswith("0 cards fetched, 1 were there")
    assert site.paths == ["/base2/7_hires.png", "/base2/7.png"]


def test_pictures_are_asked_about_where_they_came_from_and_a_large_one_is_looked_for(
    command: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    copy = DataCopy(tmp_path / "another")
    copy.add_set("base1", [card("base1", number) for number in ("1", "2", "3")])
    site.etags = True
    serve_pictures(site, {"base1/1": PICTURES[0], "base1/2": PICTURES[1]})
    site.replies["/base1/3.png"] = PICTURES[2]
    command.setenv(POKEMONTCG_IMAGES_URL=site.url, NO_PROXY="127.0.0.1")
    args = ("gallery", "fetch", "pokemontcg", "--data", copy.root, "--into", tmp_path / "to")
    command(*args)
    site.answered.clear()
    assert "asked about 3 pictures that were there: 0 had" in command(*args, "--check-pictures").out
    assert [answer[1] for answer in sorted(site.answered)] == [304, 304, 304, 404]
    better = encoded(np.flip(CROPS[3]), ".jpg")
    serve_pictures(site, {"base1/1": better, "base1/3": PICTURES[3]})
    outcome = command(*args, "--check-pictures")
    assert outcome.out.startswith("2 cards fetched, 1 were there")
    kept = {path.name: path.read_bytes() for path in (tmp_path / "to/images/en").iterdir()}
    assert kept == {"base1-1.jpg": better, "base1-2.png": PICTURES[1], "base1-3.png": PICTURES[3]}
    del site.replies["/base1/2_hires.png"]
    outcome = command(*args, "--check-pictures")
    assert (outcome.status, outcome.out[:29]) == (0, "0 cards fetched, 3 were there")
    assert (tmp_path / "to/images/en/base1-2.png").read_bytes() == PICTURES[1]


def test_a_picture_that_came_from_a_folder_is_not_replaced_by_one_of_the_server(
    command: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    copy = DataCopy(tmp_path / "another")
    copy.add_set("base1", [card("base1", "1")])
    (tmp_path / "mine/base1").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "mine/base1/1.png"), CROPS[0])
    serve_pictures(site, {"base1/1": PICTURES[1]})
    command.setenv(POKEMONTCG_IMAGES_URL=site.url, NO_PROXY="127.0.0.1")
    args = ("gallery", "fetch", "pokemontcg", "--data", copy.root, "--into", tmp_path / "to")
    command(*args, "--images", tmp_path / "mine")
    assert command(*args, "--check-pictures").out.startswith("0 cards fetched, 1 were there")
    assert site.paths == []


async def test_a_server_that_misbehaves_ends_with_what_a_good_one_gives(
    site: LocalTcgdex, tmp_path: Path
) -> None:
    copy = DataCopy(tmp_path / "copy")
    numbers = [str(number) for number in range(12)]
    copy.add_set("bad", [card("bad", number) for number in numbers])
    serve_pictures(site, {f"bad/{number}": PICTURES[int(number) % 4] for number in numbers})
    await fetch_now(site, copy, tmp_path / "good")
    at = [f"/bad/{number}_hires.png" for number in numbers]
    site.slow_s = 1.0
    site.refusals |= {at[0]: [(429, {"Retry-After": "1"})], at[1]: [(500, {})] * 2, at[2]: [(503, {})]}
    site.damages |= {
        at[3]: [Damage.CUT],
        at[4]: [Damage.SLOW],
        at[5]: [Damage.WRONG],
        at[6]: [Damage.CUT] * 2,
    }
    hurried = Politeness(backoff_s=0.01, longest_reply_s=0.5)
    first = await fetch_now(site, copy, tmp_path / "bad", hurried)
    assert [card_id for card_id, _ in first.failed] == ["bad-5"]
    assert (first.missing_of_set["bad"], first.cards_of_set["bad"]) == (1, 12)
    second = await fetch_now(site, copy, tmp_path / "bad", hurried)
    assert (second.fetched, second.there_before, second.failed) == (1, 11, [])
    assert contents_of(tmp_path / "bad") == contents_of(tmp_path / "good")
    refused, *_, answered = [when for path, when in site.asked if path == at[0]][1:]
    assert answered - refused >= 1.0


async def test_a_run_that_was_given_up_goes_on_where_it_ended(site: LocalTcgdex, tmp_path: Path) -> None:
    copy = DataCopy(tmp_path / "copy")
    for set_id in ("up", "down"):
        copy.add_set(set_id, [card(set_id, str(number)) for number in range(20)])
        serve_pictures(site, {f"{set_id}/{number}": PICTURES[0] for number in range(20)})
    for number in range(20):
        site.refusals[f"/down/{number}_hires.png"] = [(503, {})] * HURRIED.attempts
    with pytest.raises(Unavailable, match="8 cards in a row"):
        await fetch_now(site, copy, tmp_path / "to")
    assert {row["set_id"] for row in manifest_of(tmp_path / "to")} == {"up"}
    site.refusals.clear()
    report = await fetch_now(site, copy, tmp_path / "to")
    assert (report.there_before, report.fetched) == (20, 20)


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:{other}/x", "https://images.pokemontcg.io.evil.example/x", "file:///etc/passwd", "//x",
     "x", "http://[", "https://user@127.0.0.1:{other}/x"],
)  # fmt: skip
async def test_a_picture_at_another_address_than_the_project_s_is_not_asked_for(
    site: LocalTcgdex, tmp_path: Path, address: str
) -> None:
    copy = DataCopy(tmp_path / "copy")
    with serve_tcgdex() as victim:
        to = address.format(other=victim.url.rpartition(":")[2])
        copy.add_set("evil", [card("evil", "1", images={"large": to})])
        report = await fetch_now(site, copy, tmp_path / "to")
        assert victim.paths == []
    [(card_id, _)] = report.failed
    assert (card_id, site.paths, manifest_of(tmp_path / "to")) == ("evil-1", [], [])


async def test_of_itself_the_project_s_own_host_alone_is_asked() -> None:
    async with PoliteClient.open(HURRIED, [PICTURES_URL]) as client:
        with pytest.raises(BinderlensError, match="none of the source's own"):
            await client.get("https://api.pokemontcg.io/base1/4.png")
