"""``gallery fetch tcgdex`` against a server of the test's own."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.domain.errors import BinderlensError, SourceResting, Unavailable
from app.services.gallery_fetch.folder import FetchFolder
from app.services.gallery_fetch.polite_client import PoliteClient, Politeness
from app.services.gallery_fetch.tcgdex import TcgdexFetcher
from benchmarks.chaos.tcgdex_site import LocalTcgdex, serve_tcgdex
from tests.command_line import CommandLine
from tests.encoders import draw_crops

HURRIED = Politeness(backoff_s=0.01)


def as_webp(image: np.ndarray) -> bytes:
    done, data = cv2.imencode(".webp", image)
    assert done
    return data.tobytes()


PICTURES = [as_webp(crop) for crop in draw_crops(3)]


@pytest.fixture
def site() -> Iterator[LocalTcgdex]:
    with serve_tcgdex() as server:
        server.add_set("sv05", {"131": PICTURES[0], "TG01": PICTURES[1], "?": None})
        server.add_set("sv06", {"1": PICTURES[2]})
        server.add_set("A1", {"1": PICTURES[2]}, serie="tcgp")
        yield server


@pytest.fixture
def fetch(command: CommandLine, site: LocalTcgdex, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    command.setenv(TCGDEX_URL=site.api, NO_PROXY="127.0.0.1")
    return command


def manifest_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_set_becomes_a_folder_with_pictures_and_a_manifest(fetch: CommandLine, tmp_path: Path) -> None:
    outcome = fetch("gallery", "fetch", "tcgdex", "--set", "sv05")
    folder = tmp_path / "data" / "sources" / "tcgdex"
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("2 cards fetched, 0 were there, 1 have no picture; ")
    assert "\nsv05: 1 of 3 cards are missing\n" in outcome.out
    assert f"binderlens gallery import {folder / 'manifest.csv'} --images {folder}" in outcome.out
    first, second = manifest_of(folder)
    assert first == {
        "card_id": "sv05-131",
        "name": "Card 131",
        "set_id": "sv05",
        "set_name": "Set sv05",
        "number": "131/162",
        "rarity": "Common",
        "language": "en",
        "game": "pokemon",
        "image": "images/en/sv05-131.webp",
    }
    assert (folder / first["image"]).read_bytes() == PICTURES[0]
    assert (second["card_id"], second["number"]) == ("sv05-TG01", "TG01")


def test_without_a_set_every_printed_set_comes(fetch: CommandLine, tmp_path: Path) -> None:
    assert fetch("gallery", "fetch", "tcgdex", "--into", tmp_path / "all").status == 0
    assert [row["set_id"] for row in manifest_of(tmp_path / "all")] == ["sv05", "sv05", "sv06"]


def test_what_is_there_is_not_fetched_again_but_a_damaged_picture_is(
    fetch: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    args = ("gallery", "fetch", "tcgdex", "--set", "sv05", "--into", tmp_path)
    fetch(*args)
    site.asked.clear()
    assert fetch(*args).out.startswith("0 cards fetched, 2 were there")
    assert site.paths == ["/v2/en/sets", "/v2/en/sets/sv05"]
    (tmp_path / "images/en/sv05-131.webp").write_bytes(PICTURES[0][:-1])
    assert fetch(*args).out.startswith("1 cards fetched, 1 were there")
    assert (tmp_path / "images/en/sv05-131.webp").read_bytes() == PICTURES[0]


def test_a_ledger_that_was_cut_off_costs_one_card(fetch: CommandLine, tmp_path: Path) -> None:
    args = ("gallery", "fetch", "tcgdex", "--into", tmp_path)
    fetch(*args)
    before = manifest_of(tmp_path)
    ledger = tmp_path / "fetched.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-20])
    assert fetch(*args).out.startswith("1 cards fetched, 2 were there")
    assert manifest_of(tmp_path) == before
    assert fetch(*args).out.startswith("0 cards fetched, 3 were there")


def test_other_languages_are_printings_of_their_own(
    fetch: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    site.add_set("sv05", {"131": PICTURES[1]}, language="fr")
    fetch("gallery", "fetch", "tcgdex", "--set", "sv05", "--into", tmp_path)
    fetch("gallery", "fetch", "tcgdex", "--set", "sv05", "--into", tmp_path, "--language", "fr")
    rows = manifest_of(tmp_path)
    assert [(row["card_id"], row["language"]) for row in rows] == [
        ("sv05-131", "en"),
        ("sv05-131-fr", "fr"),
        ("sv05-TG01", "en"),
    ]


def test_a_busy_server_is_asked_again_after_the_time_it_named_and_a_failing_one_too(
    fetch: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    site.refusals["/v2/en/sets/sv05"] = [(429, {"Retry-After": "1"})]
    site.refusals["/assets/en/sv05-131/high.webp"] = [(500, {})]
    outcome = fetch("gallery", "fetch", "tcgdex", "--set", "sv05", "--into", tmp_path)
    assert (outcome.status, len(manifest_of(tmp_path))) == (0, 2)
    first, second = [at for path, at in site.asked if path == "/v2/en/sets/sv05"]
    assert second - first >= 1.0
    assert site.paths.count("/assets/en/sv05-131/high.webp") == 2


def test_a_picture_that_is_none_is_reported_and_the_rest_comes(
    fetch: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    site.replies["/assets/en/sv05-131/high.webp"] = b"<html>sorry</html>"
    del site.replies["/assets/en/sv05-TG01/high.webp"]
    outcome = fetch("gallery", "fetch", "tcgdex", "--into", tmp_path)
    *lines, last = outcome.err.splitlines()
    assert outcome.status == 1
    assert sorted(line.partition(":")[0] for line in lines) == ["sv05-131", "sv05-TG01"]
    assert last == "binderlens: 2 cards could not be fetched; see above, and run it again"
    assert [row["card_id"] for row in manifest_of(tmp_path)] == ["sv06-1"]


def test_an_unknown_set_or_language_is_one_line(fetch: CommandLine, tmp_path: Path) -> None:
    assert "similar ones: sv05" in fetch("gallery", "fetch", "tcgdex", "--set", "sv5").error
    assert "no language 'xx'" in fetch("gallery", "fetch", "tcgdex", "--language", "xx").error


def test_ids_cannot_lead_out_of_the_folder(fetch: CommandLine, site: LocalTcgdex, tmp_path: Path) -> None:
    site.add_set("evil", {"1": PICTURES[0]})
    escaped = "/v2/en/cards/..%2F..%2Fevil-1"
    site.replies["/v2/en/sets/evil"] = site.replies["/v2/en/sets/evil"].replace(
        b'"evil-1"', b'"../../evil-1"'
    )
    site.replies[escaped] = site.replies["/v2/en/cards/evil-1"]
    into = tmp_path / "deep" / "er"
    assert fetch("gallery", "fetch", "tcgdex", "--set", "evil", "--into", into).status == 0
    [row] = manifest_of(into)
    assert (into / row["image"]).resolve().is_relative_to(into / "images" / "en")


def test_fetched_cards_can_be_imported_at_once(
    fetch: CommandLine, database_url: str, models_dir: Path, tmp_path: Path
) -> None:
    fetch.setenv(DATABASE_URL=database_url, MODELS_DIR=models_dir, ENCODER="tiny")
    outcome = fetch("gallery", "fetch", "tcgdex", "--into", tmp_path / "cards", "--import")
    assert (outcome.status, outcome.err) == (0, "")
    assert "3 cards: 3 added or changed" in outcome.out


async def test_a_pause_the_server_asks_for_holds_for_every_request(site: LocalTcgdex) -> None:
    refused, other = "/v2/en/sets/sv05", "/v2/en/sets/sv06"
    site.refusals[refused] = [(429, {"Retry-After": "1"})]
    async with PoliteClient.open(HURRIED, [site.url]) as client:
        first = asyncio.create_task(client.get(site.url + refused))
        await asyncio.to_thread(site.refused.wait, 30)
        await asyncio.sleep(0.2)
        await asyncio.gather(first, client.get(site.url + other))
    at = dict(site.asked)
    assert at[other] - site.asked[0][1] >= 1.0


async def test_few_requests_are_in_flight_at_once(site: LocalTcgdex) -> None:
    site.delay_s = 0.02
    async with PoliteClient.open(Politeness(requests_at_once=2), [site.url]) as client:
        await asyncio.gather(*(client.get(f"{site.api}/en/sets") for _ in range(8)))
    assert site.most_at_once == 2


async def test_a_server_that_keeps_failing_is_given_up(site: LocalTcgdex) -> None:
    site.refusals["/v2/en/sets"] = [(503, {})] * 9
    async with PoliteClient.open(HURRIED, [site.url]) as client:
        with pytest.raises(Unavailable, match="503"):
            await client.get(f"{site.api}/en/sets")
    assert len(site.asked) == HURRIED.attempts


async def test_a_server_that_fails_for_card_after_card_is_given_up_and_what_came_is_kept(
    site: LocalTcgdex, tmp_path: Path
) -> None:
    folder = FetchFolder(tmp_path)
    site.add_set("down", {str(number): PICTURES[0] for number in range(20)})
    for number in range(20):
        site.refusals[f"/v2/en/cards/down-{number}"] = [(503, {})] * HURRIED.attempts
    async with PoliteClient.open(HURRIED, [site.url]) as client:
        with pytest.raises(Unavailable, match="8 cards in a row"):
            await TcgdexFetcher(client, folder, base_url=site.api).run(["sv05", "down"])
    assert len({path for path in site.paths if "/cards/down-" in path}) < 20
    assert [row["set_id"] for row in manifest_of(tmp_path)] == ["sv05", "sv05"]


async def test_a_set_without_its_pictures_is_no_failing_server(site: LocalTcgdex, tmp_path: Path) -> None:
    site.add_set("bare", {str(number): PICTURES[0] for number in range(12)})
    for number in range(12):
        del site.replies[f"/assets/en/bare-{number}/high.webp"]
    async with PoliteClient.open(HURRIED, [site.url]) as client:
        report = await TcgdexFetcher(client, FetchFolder(tmp_path), base_url=site.api).run(["bare", "sv06"])
    assert (len(report.failed), report.fetched) == (12, 1)


async def test_a_server_that_wants_a_long_rest_is_left_alone(site: LocalTcgdex) -> None:
    site.refusals["/v2/en/sets"] = [(429, {"Retry-After": "3600"})]
    async with PoliteClient.open(HURRIED, [site.url]) as client:
        with pytest.raises(BinderlensError, match="3600 s"):
            await client.get(f"{site.api}/en/sets")
    assert len(site.asked) == 1


async def test_a_long_rest_that_is_asked_for_by_one_card_ends_the_run_and_what_came_is_kept(
    site: LocalTcgdex, tmp_path: Path
) -> None:
    numbers = [str(number) for number in range(60)]
    site.add_set("tired", dict.fromkeys(numbers, PICTURES[0]))
    for number in numbers:
        site.refusals[f"/v2/en/cards/tired-{number}"] = [(429, {"Retry-After": "3600"})]
    async with PoliteClient.open(HURRIED, [site.url]) as client:
        with pytest.raises(SourceResting, match="3600 s; run this again"):
            await TcgdexFetcher(client, FetchFolder(tmp_path), base_url=site.api).run(["sv05", "tired"])
        asked = len([path for path in site.paths if "/cards/tired-" in path])
        with pytest.raises(SourceResting):  # and nobody else asks either
            await client.get(f"{site.api}/en/sets")
    assert 1 <= asked <= HURRIED.requests_at_once
    assert [row["set_id"] for row in manifest_of(tmp_path)] == ["sv05", "sv05"]
    site.refusals.clear()
    async with PoliteClient.open(HURRIED, [site.url]) as client:
        report = await TcgdexFetcher(client, FetchFolder(tmp_path), base_url=site.api).run(["sv05", "tired"])
    assert (report.there_before, report.fetched) == (2, 60)


async def test_a_rest_is_one_line_on_the_command_line(
    fetch: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    site.refusals["/v2/en/sets/sv05"] = [(503, {"Retry-After": "3600"})]
    outcome = await asyncio.to_thread(
        fetch, "gallery", "fetch", "tcgdex", "--set", "sv05", "--into", tmp_path
    )
    assert (outcome.status, outcome.err.count("\n")) == (1, 1)
    assert "left alone for 3600 s" in outcome.error


async def test_a_reply_without_end_is_not_read_to_the_end(site: LocalTcgdex) -> None:
    async with PoliteClient.open(Politeness(largest_reply_bytes=10), [site.url]) as client:
        with pytest.raises(BinderlensError, match="10 bytes"):
            await client.get(f"{site.api}/en/sets")


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with PoliteClient.open(HURRIED, ["http://127.0.0.1:9"]) as client:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
            await client.get("http://127.0.0.1:9/")
