"""What the learning loop stores, against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import numpy as np
import pytest

from app.db.gallery import PostgresGallery
from app.db.learning import PostgresLearning
from app.db.pool import Database
from app.db.references import MOST_LEARNT, PostgresReferences
from app.db.scans import PostgresScanStore
from app.domain.correction_types import CorrectionStatus, NewCorrection, Verdict
from app.domain.learning import judge
from app.domain.learning_types import CorrectionToStudy, Decision, Findings, LearningLimits, Study, Support
from app.domain.types import CardFilter, TemplateHit
from tests.integration.db.builders import (
    DIMENSION,
    ENCODER,
    identification,
    picture,
    scan,
    simple_update,
    unit_vectors,
)

CARDS = ("c0", "c1", "c2")


@pytest.fixture
def scans(database: Database) -> PostgresScanStore:
    return PostgresScanStore(database)


@pytest.fixture
async def gallery(database: Database) -> PostgresGallery:
    filled = PostgresGallery(database, ENCODER)
    await filled.put_cards([simple_update(card, unit_vectors(n, 3)) for n, card in enumerate(CARDS)])
    return filled


@pytest.fixture
def store(database: Database, gallery: PostgresGallery) -> PostgresLearning:
    return PostgresLearning(database, ENCODER)


async def correct(
    scans: PostgresScanStore, number: int, card_id: str | None = "c0", key_id: str = "alice"
) -> UUID:
    """Stores a scan of one card and what somebody says about it."""
    result = scan(identification())
    await scans.save(result, picture(f"page {number}"), [picture(f"crop {number}")], key_id)
    verdict = Verdict.CARD if card_id else Verdict.NOT_IN_GALLERY
    said = NewCorrection(verdict, detection_id=result.cards[0].detection_id, card_id=card_id, key_id=key_id)
    stored, _ = await scans.add_correction(said, f"body {number}", None)
    return stored.correction_id


async def look(correction: CorrectionToStudy) -> Findings:
    """Findings that depend on the crop alone, as a real study's do."""
    assert correction.crop is not None
    seed = int.from_bytes(correction.crop.data, "big") % 2**31
    rng = np.random.default_rng(seed)
    return Findings(
        unit_vectors(seed, 1)[0],
        support=Support.BACKED if rng.random() < 0.8 else Support.UNBACKED,
        own_similarity=float(rng.uniform(0, 0.6)),
        rival_similarity=float(rng.uniform(0, 0.6)),
        surprises=bool(rng.random() < 0.5),
        features=correction.crop.data,
    )


LIMITS = LearningLimits(templates_per_card=4)


def decide(studies: Sequence[Study]) -> Mapping[UUID, Decision]:
    return judge(studies, LIMITS)


async def learn(store: PostgresLearning) -> None:
    while await store.study_next(look):
        pass
    await store.judge(decide)


async def state(
    database: Database, scans: PostgresScanStore, ids: Sequence[UUID]
) -> tuple[set[tuple[object, ...]], list[object]]:
    """Active learnt templates, and how every correction stands."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT correction_id, card_id, embedding::text FROM templates"
            " WHERE source = 'correction' AND active"
        )
        pairs = await connection.fetch("SELECT * FROM confusion_pairs")
    stand = [(await scans.get_correction(one)) for one in ids]
    standing = [(one.status, one.reason) for one in stand if one is not None]
    return {tuple(row) for row in rows}, [*standing, sorted(tuple(row) for row in pairs)]


async def test_a_correction_becomes_a_template_that_search_finds_and_learning_leaves_out(
    scans: PostgresScanStore, store: PostgresLearning, gallery: PostgresGallery
) -> None:
    correction_id = await correct(scans, 1)
    assert await store.has_work()
    await learn(store)
    assert not await store.has_work()
    stored = await scans.get_correction(correction_id)
    assert stored is not None
    assert stored.status is CorrectionStatus.LEARNED
    vector = (await look(CorrectionToStudy(correction_id, Verdict.CARD, "c0", picture("crop 1")))).encoded
    best = await first_hit(gallery, vector, learnt=True)
    assert (best.card.card_id, best.source, round(best.similarity, 2)) == ("c0", "correction", 1.0)
    assert (await first_hit(gallery, vector, learnt=False)).source != "correction"


async def first_hit(gallery: PostgresGallery, vector: np.ndarray, *, learnt: bool) -> TemplateHit:
    return (await gallery.search(vector[None], 1, CardFilter(), learnt=learnt))[0]


@pytest.mark.parametrize(
    ("seed", "corrections", "taken_back", "judged_each"),
    [(5, 24, 9, True), (6, 24, 15, True), (7, 24, 23, False), (8, 200, 70, False)],
)
async def test_what_was_taken_back_leaves_no_trace_in_whatever_order(
    database: Database,
    scans: PostgresScanStore,
    store: PostgresLearning,
    gallery: PostgresGallery,
    seed: int,
    corrections: int,
    taken_back: int,
    judged_each: bool,
) -> None:
    rng = random.Random(seed)
    said = [(n, rng.choice([*CARDS, None]), rng.choice(["alice", "bob"])) for n in range(corrections)]
    ids = [await correct(scans, *one) for one in said]
    await learn(store)
    learnt = await state(database, scans, ids)
    gone = rng.sample(range(len(ids)), taken_back)
    for place in gone:
        await scans.undo_correction(ids[place])
        if judged_each:
            await store.judge(decide)
    await store.judge(decide)
    kept = [ids[place] for place in range(len(ids)) if place not in gone]
    after = await state(database, scans, kept), await answers(gallery)
    assert after[0][0] != learnt[0]
    async with database.connection() as connection:
        await connection.execute("DELETE FROM corrections WHERE status = 'undone'")
        await connection.execute("DELETE FROM templates WHERE source = 'correction'")
        await connection.execute("DELETE FROM correction_studies")
    await learn(store)
    assert (await state(database, scans, kept), await answers(gallery)) == after


async def answers(gallery: PostgresGallery) -> list[tuple[int, str, str, float]]:
    """What an exact search finds; there is no index."""
    hits = await gallery.search(unit_vectors(77, 12), 50, CardFilter())
    return [(hit.query_index, hit.card.card_id, hit.source, hit.similarity) for hit in hits]


async def test_many_who_learn_at_once_study_each_correction_once(
    database: Database, scans: PostgresScanStore, store: PostgresLearning
) -> None:
    ids = [await correct(scans, n, CARDS[n % 3]) for n in range(12)]
    studied: list[UUID] = []

    async def look_slowly(correction: CorrectionToStudy) -> Findings:
        studied.append(correction.correction_id)
        await asyncio.sleep(0.01)
        return await look(correction)

    async def replica() -> None:
        own = PostgresLearning(database, ENCODER)
        while await own.study_next(look_slowly):
            await own.judge(decide)
        await own.judge(decide)

    await asyncio.gather(*(replica() for _ in range(3)))
    assert sorted(studied) == sorted(ids)
    templates, standing = await state(database, scans, ids)
    await store.judge(decide)
    assert await state(database, scans, ids) == (templates, standing)
    assert len(templates) == len({row[0] for row in templates})


async def test_a_study_that_breaks_off_leaves_nothing_and_is_done_again(
    scans: PostgresScanStore, store: PostgresLearning
) -> None:
    correction_id = await correct(scans, 1)

    async def break_off(_: CorrectionToStudy) -> Findings:
        raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError, match="power"):
        await store.study_next(break_off)
    stored = await scans.get_correction(correction_id)
    assert stored is not None
    assert stored.status is CorrectionStatus.PENDING
    await learn(store)
    assert (await scans.get_correction(correction_id)).status is CorrectionStatus.LEARNED  # type: ignore[union-attr]


async def test_what_came_later_waits_for_what_is_still_being_studied(
    scans: PostgresScanStore, store: PostgresLearning
) -> None:
    first, second = await correct(scans, 1), await correct(scans, 2)

    async def look_at_second_meanwhile(correction: CorrectionToStudy) -> Findings:
        assert correction.correction_id == first
        assert await store.study_next(look)
        assert (await store.judge(decide)).standing.total() == 0
        return await look(correction)

    assert await store.study_next(look_at_second_meanwhile)
    assert (await store.judge(decide)).standing.total() == 2
    assert second != first


async def test_unknown_cards_get_a_number_and_confusions_are_counted(
    database: Database, scans: PostgresScanStore, store: PostgresLearning, gallery: PostgresGallery
) -> None:
    await correct(scans, 1, None)
    for number in range(2, 6):
        await correct(scans, number, "c1")
    await learn(store)
    async with database.connection() as connection:
        groups = await connection.fetch(
            "SELECT unknown_group FROM corrections WHERE verdict = 'not_in_gallery'"
        )
        learnt = await connection.fetchval(
            "SELECT count(*) FROM corrections WHERE status = 'learned' AND card_id = 'c1'"
        )
    assert [row["unknown_group"] for row in groups] == [1]
    assert learnt > 0
    assert await gallery.confusions_of(["sv5-131", "c0"]) == {"sv5-131": {"c1": learnt}}


async def test_a_photo_that_was_saved_anew_is_no_second_correction_of_its_card(
    scans: PostgresScanStore, store: PostgresLearning, gallery: PostgresGallery
) -> None:
    photo, copy, other = unit_vectors(500, 3)
    copy = photo + 0.05 * copy
    copy /= np.linalg.norm(copy)
    found = {"crop 1": photo, "crop 2": copy, "crop 3": other}
    crops = {picture(name).data: vector for name, vector in found.items()}

    async def see(correction: CorrectionToStudy) -> Findings:
        assert correction.crop is not None
        return Findings(crops[correction.crop.data], support=Support.BACKED)

    counted, ids = [], []
    for number in (1, 2, 3):
        ids.append(await correct(scans, number))
        assert await store.study_next(see)
        assert (await store.judge(decide)).standing == {CorrectionStatus.LEARNED: number}
        counted.append(await gallery.corrections_of(["c0", "c1"]))
    assert counted == [{"c0": 1}, {"c0": 1}, {"c0": 2}]
    await scans.undo_correction(ids[2])
    assert await gallery.corrections_of(["c0"]) == {"c0": 1}


async def test_crops_that_are_templates_are_compared_with_until_they_are_taken_back(
    database: Database, scans: PostgresScanStore, store: PostgresLearning
) -> None:
    references = PostgresReferences(database)
    ids = [await correct(scans, number, "c2") for number in range(8)]
    await learn(store)
    templates, _ = await state(database, scans, ids)
    assert len(templates) > MOST_LEARNT
    compared = (await references.learnt_features_of(["c2", "c1"]))["c2"]
    assert len(compared) == MOST_LEARNT
    latest = [number for number, one in enumerate(ids) if one in {row[0] for row in templates}][::-1]
    assert list(compared) == [picture(f"crop {number}").data for number in latest[:MOST_LEARNT]]
    for correction_id in ids:
        await scans.undo_correction(correction_id)
    assert await references.learnt_features_of(["c2"]) == {}


async def test_views_of_other_cards_that_a_template_would_take_are_named(
    store: PostgresLearning, gallery: PostgresGallery
) -> None:
    groups = await gallery.artwork_groups_of(list(CARDS))
    view = unit_vectors(1, 3)[2]
    assert (await store.views_taken(view, groups["c0"]))[0] == "c1"
    assert "c1" not in await store.views_taken(view, groups["c1"])
    nothing_like_it = np.eye(DIMENSION, dtype=np.float32)[:1]
    assert await store.own_similarities(np.concatenate([view[None], nothing_like_it]), "c1") == [
        pytest.approx(1.0, abs=2e-3),
        pytest.approx(float(np.max(unit_vectors(1, 3) @ nothing_like_it[0])), abs=2e-3),
    ]
    assert await store.own_similarities(view[None], uuid4().hex) == [-1.0]


async def test_a_crop_is_studied_again_when_the_gallery_gets_or_loses_pictures_and_stands_meanwhile(
    scans: PostgresScanStore, store: PostgresLearning, gallery: PostgresGallery, database: Database
) -> None:
    stranger, learnt = await correct(scans, 1, card_id=None), await correct(scans, 2)
    await learn(store)
    before = await state(database, scans, [stranger, learnt])
    await gallery.refresh_artwork_groups()
    assert not await store.has_work()  # an import that brought nothing
    await gallery.put_cards([simple_update("the stranger", unit_vectors(77, 3))])
    await gallery.refresh_artwork_groups()
    assert await store.has_work()
    await store.judge(decide)
    assert await state(database, scans, [stranger, learnt]) == before
    said = {stranger: Findings(unit_vectors(5, 1)[0], support=Support.OPPOSED, rival="the stranger")}

    async def look_again(correction: CorrectionToStudy) -> Findings:
        return said.get(correction.correction_id) or await look(correction)

    while await store.study_next(look_again):
        pass
    await store.judge(decide)
    assert not await store.has_work()
    assert (await scans.get_correction(stranger)).status is CorrectionStatus.QUARANTINED
    assert await gallery.remove_cards(["c2"]) == 1
    assert await store.has_work()
