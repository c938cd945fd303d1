"""A picture that its source has replaced is noticed by a later fetch; one that it has not costs a header."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.errors import SourceResting, Unavailable
from app.services.gallery_fetch.checks import CHECK_AFTER, Checks
from app.services.gallery_fetch.folder import FetchFolder
from app.services.gallery_fetch.polite_client import PoliteClient, Politeness
from app.services.gallery_fetch.run import FetchReport
from app.services.gallery_fetch.tcgdex import TcgdexFetcher
from benchmarks.chaos.tcgdex_site import Damage, LocalTcgdex, serve_tcgdex
from tests.command_line import CommandLine
from tests.encoders import draw_crops
from tests.integration.cli.conftest import rows
from tests.integration.cli.pokemontcg_copy import encoded

HURRIED = Politeness(backoff_s=0.01)
DAY_S = 86_400.0
WEBP = [encoded(crop, ".webp") for crop in draw_crops(4)]
OLD, BETTER = WEBP[0], WEBP[3]
AT = "/assets/en/sv05-1/high.webp"
KEPT = "images/en/sv05-1.webp"
FIRST, SECOND = "Tue, 24 Nov 2026 12:00:00 GMT", "Wed, 25 Nov 2026 12:00:00 GMT"


@pytest.fixture
def site() -> Iterator[LocalTcgdex]:
    with serve_tcgdex() as server:
        server.etags = True
        server.add_set("sv05", {str(number): WEBP[number - 1] for number in (1, 2, 3)})
        yield server


@pytest.fixture
def fetch(command: CommandLine, site: LocalTcgdex) -> CommandLine:
    command.setenv(TCGDEX_URL=site.api, NO_PROXY="127.0.0.1")
    return command


@pytest.fixture
def run(site: LocalTcgdex, tmp_path: Path) -> Callable[..., FetchReport]:
    """One fetch so many days from now."""

    async def fetch_now(days: float, everything: bool, sets: tuple[str, ...]) -> FetchReport:
        folder = FetchFolder(tmp_path, lambda: time.time() + days * DAY_S)
        checks = Checks(folder, everything=everything, scope=sets)
        site.asked.clear()
        site.answered.clear()
        async with PoliteClient.open(HURRIED, [site.url]) as client:
            return await TcgdexFetcher(client, folder, base_url=site.api, checks=checks).run(sets)

    return lambda days=0.0, *, everything=False, sets=("sv05",): asyncio.run(
        fetch_now(days, everything, sets)
    )


def pictures(site: LocalTcgdex) -> list[tuple[str, int, int]]:
    """Path, status and bytes of what was answered for pictures."""
    return sorted(one for one in site.answered if one[0].startswith("/assets"))


def replace(site: LocalTcgdex, modified: str | None = None) -> None:
    site.replies[AT] = BETTER
    if modified is not None:
        site.modified[AT] = modified


def forget_validators(folder: Path) -> None:
    """Makes the folder what the first versions left."""
    ledger = folder / "fetched.jsonl"
    lines = []
    for line in ledger.read_text().splitlines():
        known = json.loads(line)
        lines.append(json.dumps({name: known[name] for name in ("card", "image", "sha256")}) + "\n")
    ledger.write_text("".join(lines))


def test_a_replaced_picture_is_fetched_and_those_that_were_not_cost_a_header(
    fetch: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    args = ("gallery", "fetch", "tcgdex", "--into", tmp_path)
    fetch(*args)
    replace(site)
    site.answered.clear()
    outcome = fetch(*args, "--check-pictures")
    assert (outcome.status, outcome.err) == (0, "")
    first, second, *_ = outcome.out.splitlines()
    assert first.startswith("1 cards fetched, 2 were there, 0 have no picture; ")
    assert second == "asked about 3 pictures that were there: 1 had been replaced"
    assert (tmp_path / KEPT).read_bytes() == BETTER
    assert [answer[1:] for answer in pictures(site)] == [(200, len(BETTER)), (304, 0), (304, 0)]
    assert fetch(*args, "--check-pictures").out.splitlines()[1].endswith("there: 0 had been replaced")


def test_a_server_that_dates_its_pictures_alone_is_asked_by_date(
    run: Callable[..., FetchReport], site: LocalTcgdex, tmp_path: Path
) -> None:
    site.etags, site.modified[AT] = False, FIRST
    run()
    assert (run(everything=True).replaced, pictures(site)[0]) == (0, (AT, 304, 0))
    replace(site, SECOND)
    assert (run(everything=True).replaced, (tmp_path / KEPT).read_bytes()) == (1, BETTER)


def test_a_run_asks_about_a_picture_when_nobody_has_for_thirty_days(
    run: Callable[..., FetchReport], site: LocalTcgdex, tmp_path: Path
) -> None:
    run()
    replace(site)
    for days in (0, 1, CHECK_AFTER.days - 1):
        assert (run(days).asked_about, pictures(site)) == (0, [])
    report = run(CHECK_AFTER.days + 1)
    assert (report.asked_about, report.replaced) == (3, 1)
    assert (tmp_path / KEPT).read_bytes() == BETTER
    # A 304 and a new picture both count as asked.
    assert (run(CHECK_AFTER.days + 2).asked_about, pictures(site)) == (0, [])
    assert run(2 * CHECK_AFTER.days + 3).asked_about == 3


def test_a_picture_that_was_asked_about_by_a_clock_of_the_future_is_asked_about(
    run: Callable[..., FetchReport],
) -> None:
    run(days=5_000)
    assert run().asked_about == 3


def test_a_picture_that_came_without_validators_is_compared_with_the_option_alone(
    run: Callable[..., FetchReport], site: LocalTcgdex, tmp_path: Path
) -> None:
    site.etags = False
    run()
    replace(site)
    assert (run(CHECK_AFTER.days + 1).asked_about, pictures(site)) == (0, [])
    report = run(everything=True)
    assert (report.asked_about, report.replaced, report.fetched, report.there_before) == (3, 1, 1, 2)
    assert [status for _, status, _ in pictures(site)] == [200, 200, 200]
    assert (tmp_path / KEPT).read_bytes() == BETTER


def test_a_folder_of_an_older_version_is_kept_and_learns_validators_by_the_option(
    run: Callable[..., FetchReport], site: LocalTcgdex, tmp_path: Path
) -> None:
    run()
    forget_validators(tmp_path)
    assert (run(CHECK_AFTER.days + 1).there_before, pictures(site)) == (3, [])
    replace(site)
    assert (run(everything=True).replaced, len(pictures(site))) == (1, 3)
    assert (run(everything=True).asked_about, {status for _, status, _ in pictures(site)}) == (3, {304})


def test_a_check_that_was_interrupted_goes_on_with_what_it_has_not_asked_about(
    run: Callable[..., FetchReport], site: LocalTcgdex
) -> None:
    site.add_set("sv06", {"1": OLD})
    site.add_set("sv07", {"1": OLD})
    both = {"everything": True, "sets": ("sv05", "sv06")}
    run(sets=("sv05", "sv06"))
    other = "/assets/en/sv06-1/high.webp"
    site.refusals[other] = [(429, {"Retry-After": "3600"})]
    with pytest.raises(SourceResting):
        run(**both)
    assert len(pictures(site)) == 4
    site.refusals.clear()
    run(sets=("sv07",))
    assert run(**both).asked_about == 1
    assert pictures(site) == [(other, 304, 0)]
    assert run(**both).asked_about == 4  # that one was over; this is another


def test_a_check_of_other_sets_does_not_end_one_that_was_interrupted(
    fetch: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    site.add_set("sv06", {"1": OLD})
    args = ("gallery", "fetch", "tcgdex", "--into", tmp_path)
    fetch(*args)
    site.refusals["/assets/en/sv06-1/high.webp"] = [(429, {"Retry-After": "3600"})]
    assert fetch(*args, "--check-pictures").status == 1
    site.refusals.clear()
    assert "asked about 3 pictures" in fetch(*args, "--check-pictures", "--set", "sv05").out
    assert "asked about 1 pictures" in fetch(*args, "--check-pictures").out


@pytest.mark.parametrize("changed", [("--language", "fr"), ("--set", "sv05")])
def test_each_language_and_each_choice_of_sets_has_a_check_of_its_own(
    changed: tuple[str, ...], fetch: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    site.refusals[AT] = [(429, {"Retry-After": "3600"})] * 2
    args = ("gallery", "fetch", "tcgdex", "--into", tmp_path, "--check-pictures")
    fetch(*args)
    fetch(*args, *changed)
    assert len(list(tmp_path.glob("checking-*"))) == 2


def test_what_marks_an_old_check_is_taken_away_by_the_next_one(
    run: Callable[..., FetchReport], site: LocalTcgdex, tmp_path: Path
) -> None:
    run()
    site.refusals[AT] = [(429, {"Retry-After": "3600"})]
    with pytest.raises(SourceResting):
        run(everything=True)
    (left,) = tmp_path.glob("checking-*")
    (tmp_path / "checking-it-is-mine").touch()
    site.refusals.clear()
    run(days=2, everything=True, sets=())
    assert not left.exists()
    assert [one.name for one in tmp_path.glob("checking-*")] == ["checking-it-is-mine"]


def test_an_interrupted_check_does_not_go_on_days_later(
    run: Callable[..., FetchReport], site: LocalTcgdex
) -> None:
    site.add_set("sv06", {"1": OLD})
    both = {"everything": True, "sets": ("sv05", "sv06")}
    run(sets=("sv05", "sv06"))
    site.refusals["/assets/en/sv06-1/high.webp"] = [(429, {"Retry-After": "3600"})]
    with pytest.raises(SourceResting):
        run(**both)
    site.refusals.clear()
    assert run(days=2, **both).asked_about == 4


@pytest.mark.parametrize("damage", [Damage.WRONG, None])
def test_a_picture_that_could_not_be_asked_about_stays_and_is_told_of(
    damage: Damage | None, fetch: CommandLine, site: LocalTcgdex, tmp_path: Path
) -> None:
    args = ("gallery", "fetch", "tcgdex", "--into", tmp_path)
    fetch(*args)
    if damage is None:
        site.refusals[AT] = [(403, {})]
    else:
        site.damages[AT] = [damage]
    replace(site)
    outcome = fetch(*args, "--check-pictures")
    line, last = outcome.err.splitlines()
    assert (outcome.status, line.partition(":")[0]) == (1, "sv05-1")
    assert last.startswith("binderlens: 1 pictures could not be asked about and stay as they are")
    assert "missing" not in outcome.out
    assert (tmp_path / KEPT).read_bytes() == OLD
    site.answered.clear()
    assert fetch(*args, "--check-pictures").status == 0  # which asks about the one that is left
    assert [path for path, *_ in pictures(site)] == [AT]
    assert (tmp_path / KEPT).read_bytes() == BETTER


def test_a_busy_server_is_asked_again_with_the_same_condition(
    run: Callable[..., FetchReport], site: LocalTcgdex
) -> None:
    run()
    site.refusals[AT] = [(503, {})]
    assert (run(everything=True).asked_about, pictures(site)[:2]) == (3, [(AT, 304, 0), (AT, 503, 0)])


def test_a_server_that_fails_for_picture_after_picture_is_given_up(
    run: Callable[..., FetchReport], site: LocalTcgdex
) -> None:
    paths = [f"/assets/en/sv05-{number}/high.webp" for number in range(1, 13)]
    site.replies.pop("/v2/en/sets")
    site.add_set("sv05", {str(number): OLD for number in range(1, 13)})
    run()
    site.refusals |= {path: [(503, {})] * HURRIED.attempts for path in paths}
    with pytest.raises(Unavailable, match="8 cards in a row"):
        run(everything=True)
    assert len(set(site.paths) & set(paths)) < 12


def test_a_picture_that_its_source_has_no_more_is_kept(
    run: Callable[..., FetchReport], site: LocalTcgdex, tmp_path: Path
) -> None:
    run()
    del site.replies[AT]
    report = run(everything=True)
    assert (report.there_before, report.failed, report.not_renewed) == (3, [], [])
    assert (tmp_path / KEPT).read_bytes() == OLD


def test_a_damaged_picture_is_asked_for_without_a_condition(
    run: Callable[..., FetchReport], site: LocalTcgdex, tmp_path: Path
) -> None:
    run()
    (tmp_path / KEPT).write_bytes(OLD[:-1])
    assert (run().fetched, pictures(site)) == (1, [(AT, 200, len(OLD))])


def test_a_picture_at_another_address_is_fetched_whatever_was_known_of_the_first(
    run: Callable[..., FetchReport], site: LocalTcgdex, tmp_path: Path
) -> None:
    run()
    path = "/v2/en/sets/sv05"
    site.replies[path] = site.replies[path].replace(b"/assets/en/sv05-1", b"/assets/new/sv05-1")
    site.replies["/assets/new/sv05-1/high.webp"] = BETTER
    assert (run().fetched, (tmp_path / KEPT).read_bytes()) == (1, BETTER)
    assert run().fetched == 0


def test_an_import_puts_a_replaced_picture_in_the_place_of_the_old_one_with_all_that_was_made_of_it(
    fetch: CommandLine, site: LocalTcgdex, database_url: str, models_dir: Path, tmp_path: Path
) -> None:
    fetch.setenv(DATABASE_URL=database_url, MODELS_DIR=models_dir, ENCODER="tiny")
    args = ("gallery", "fetch", "tcgdex", "--into", tmp_path / "cards", "--import")
    made = """
        SELECT r.card_id, r.source_sha256, r.blob_sha256, md5(r.features),
               array_agg(md5(t.embedding::text) ORDER BY t.id)
        FROM reference_images r JOIN templates t ON t.reference_image_id = r.id GROUP BY r.id ORDER BY 1
    """
    fetch(*args)
    before = rows(database_url, made)
    replace(site)
    outcome = fetch(*args, "--check-pictures")
    assert "3 cards: 1 added or changed" in outcome.out
    after = rows(database_url, made)
    assert after[1:] == before[1:]
    assert len(after) == len(before) == 3
    assert (before[0][1], after[0][1]) == tuple(hashlib.sha256(one).hexdigest() for one in (OLD, BETTER))
    assert after[0][3] is not None
    assert not {*after[0][2:4], *after[0][4]} & {*before[0][2:4], *before[0][4]}
    assert len(after[0][4]) == 3
    assert rows(database_url, "SELECT 1 FROM blobs WHERE sha256 = $1", before[0][2]) == []


def test_the_help_says_after_how_many_days_a_run_asks_by_itself(command: CommandLine) -> None:
    said = " ".join(command("gallery", "fetch", "--help").out.replace("│", " ").split())
    assert f"once in {CHECK_AFTER.days} days" in said
