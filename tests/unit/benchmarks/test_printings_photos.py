"""Who is photographed, and who is left out of the gallery."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from app.services.gallery_import import ImportReport
from app.services.manifest import BadRow
from benchmarks.printings.collection import CardCollection, Subject, invented_collection, split_groups
from benchmarks.printings.photos import Plan, Studio, pages, plan_shots, take


def grey_card(shade: int):
    return np.full((176, 126, 3), shade, dtype=np.uint8)


def subject(name: str, in_gallery: bool = True, set_id: str = "a", rivals=()) -> Subject:
    return Subject(name, set_id, partial(grey_card, 120), frozenset([name]), rivals, in_gallery)


def collection(known: int = 5, unknown: int = 3) -> CardCollection:
    return CardCollection(
        "grey",
        [subject(f"known-{i}", set_id="ab"[i % 2]) for i in range(known)],
        [subject(f"unknown-{i}", in_gallery=False, set_id="ab"[i % 2]) for i in range(unknown)],
        [],
    )


def plan(known: int = 4, unknown: int = 2, sorted_pages: bool = False) -> Plan:
    return Plan(["easy", "hard"], known, unknown, seed=3, cards_a_page=3, sorted_pages=sorted_pages)


def test_whole_groups_are_left_out_until_there_are_enough_cards() -> None:
    groups = {
        name: [f"{name}{i}" for i in range(size)] for name, size in zip("abcde", (1, 2, 3, 2, 1), strict=True)
    }
    rest, absent = split_groups(groups, 4, np.random.default_rng(0))
    assert sorted(rest + absent) == list("abcde")
    sizes = [len(groups[name]) for name in absent]
    assert sum(sizes) >= 4 > sum(sizes[:-1])
    assert split_groups(groups, 0, np.random.default_rng(0))[1] == []


def test_no_printing_of_a_card_that_is_left_out_is_in_the_gallery(tmp_path) -> None:
    cards = invented_collection(gallery=14, unknown=5, seed=4, folder=tmp_path)
    known = {one.card_id for one in cards.known}
    assert len(known) >= 14 and len(cards.unknown) >= 5
    assert all(one.printings <= known and one.in_gallery for one in cards.known)
    assert all(not one.printings & known and not one.in_gallery for one in cards.unknown)
    assert any(len(one.printings) > 1 for one in cards.known)
    assert all(len(one.rivals) == len(one.printings) - 1 for one in cards.known)
    [(manifest, images)] = cards.manifests
    assert manifest.read_text().count("\n") == len(known) + 1
    assert len(list((images / "images").iterdir())) == len(known)


def test_pictures_of_a_gallery_that_is_there_are_not_drawn_again(tmp_path) -> None:
    first = invented_collection(gallery=3, unknown=1, seed=4, folder=tmp_path)
    picture = next((tmp_path / "images").iterdir())
    picture.write_bytes(b"kept")
    again = invented_collection(gallery=3, unknown=1, seed=4, folder=tmp_path)
    assert picture.read_bytes() == b"kept"
    assert [one.card_id for one in again.known] == [one.card_id for one in first.known]


async def test_a_gallery_that_lacks_a_card_is_not_measured(tmp_path, monkeypatch) -> None:
    report = ImportReport(bad_rows=[BadRow(7, "image x.jpg is not there")])
    seen = []

    async def import_nothing(runtime, manifest, images, without):
        seen.append((manifest, images, without))
        return report

    monkeypatch.setattr("benchmarks.printings.collection.import_manifest", import_nothing)
    cards = replace(collection(unknown=2), manifests=[(tmp_path / "m.csv", tmp_path)])
    with pytest.raises(ValueError, match="line 7: image"):
        await cards.fill(None)
    assert seen == [(tmp_path / "m.csv", tmp_path, frozenset(["unknown-0", "unknown-1"]))]


def test_every_card_is_photographed_once_before_one_is_photographed_twice() -> None:
    shots = plan_shots(collection(), plan(known=12, unknown=3), "hard")
    names = [shot.subject.card_id for shot in shots]
    counts = [names.count(f"known-{i}") for i in range(5)]
    assert sum(counts) == 12 and set(counts) == {2, 3}
    assert [names.count(f"unknown-{i}") for i in range(3)] == [1, 1, 1]


def test_the_same_plan_gives_the_same_photos_and_each_level_others() -> None:
    one, same, other = (plan_shots(collection(), plan(), level) for level in ("easy", "easy", "hard"))
    assert [shot.subject.card_id for shot in one] == [shot.subject.card_id for shot in same]
    assert len({shot.seed for shot in one + other}) == len(one + other)
    assert np.array_equal(take(one[0]).crop, take(same[0]).crop)


def test_known_and_unknown_cards_share_pages_and_sorted_pages_hold_one_set() -> None:
    mixed = plan_shots(collection(), plan(30, 30), "easy")
    flags = [shot.subject.in_gallery for shot in mixed]
    assert flags != sorted(flags) and flags != sorted(flags, reverse=True)
    ordered = plan_shots(collection(), plan(30, 30, sorted_pages=True), "easy")
    sets = [shot.subject.set_id for shot in ordered]
    assert sets == sorted(sets)
    assert [len(page) for page in pages(ordered[:7], 3)] == [3, 3, 1]


def test_photos_of_absent_cards_need_absent_cards() -> None:
    with pytest.raises(ValueError, match="no card"):
        plan_shots(collection(unknown=0), plan(), "easy")


def test_a_photo_says_by_how_much_its_printing_can_be_told() -> None:
    def shot(rivals):
        return plan_shots(
            CardCollection("one", [subject("x", rivals=rivals)], [], []), Plan(["easy"], 1, 0, 1), "easy"
        )[0]

    assert take(shot(())).deciding_side_px == np.inf
    assert take(shot((partial(grey_card, 120),))).deciding_side_px == 0.0
    assert 200 < take(shot((partial(grey_card, 220), partial(grey_card, 20)))).deciding_side_px < 1000
    assert take(shot(None)).deciding_side_px is None


def test_a_studio_takes_the_same_photos_in_other_processes() -> None:
    shots = plan_shots(collection(), plan(2, 1), "hard")
    with Studio(0) as here, Studio(1) as elsewhere:
        for one, other in zip(here.take(shots), elsewhere.take(shots), strict=True):
            assert one.subject.card_id == other.subject.card_id
            assert np.array_equal(one.crop, other.crop)
