"""Which scans a filter finds in PostgreSQL: conditions hold together for one card and one correction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from app.db.pool import Database
from app.db.scans import PostgresScanStore
from app.domain.correction_types import CorrectionStatus, NewCorrection, Verdict
from app.domain.scan_filter import Judged, ScanFilter, Stage
from app.domain.types import Card, Confidence, Degraded, Identification, Status, TemplateSource
from tests.fakes.scans import InMemoryScanStore
from tests.integration.db.builders import DROWZEE, identification, picture, scan

NOW = datetime.now(UTC).replace(microsecond=0)
PIKACHU = Card("svp-1", "Pikachu", "svp", "Promos", "1", None, "fr", "pokemon")
QUAD = np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]])


def found(card: Card | None = DROWZEE, sure: float = 0.9, **changes: object) -> Identification:
    """A card of little note, so that every condition of a test is its own."""
    status = Status.UNKNOWN if card is None else Status.ACCEPTED
    plain = {"status": status, "degraded": (), "confidence": Confidence(0.99, sure), **changes}
    return replace(identification(card=card), **plain)


def learnt(card: Card = DROWZEE) -> Identification:
    plain = found(card)
    by_correction = replace(plain.candidates[0], template_source=TemplateSource.CORRECTION)
    return replace(plain, candidates=(by_correction,))


class Album:
    """Scans with names, in PostgreSQL and in memory: both must find the same."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.stored = PostgresScanStore(database)
        self.fake = InMemoryScanStore()
        self.names: dict[UUID, str] = {}
        self.cards: dict[str, list[UUID]] = {}

    async def add(self, name: str, *cards: Identification, **changes: object) -> None:
        result = replace(scan(*cards, created_at=NOW - timedelta(hours=len(self.names))), **changes)
        crops = [picture(str(card.detection_id)) for card in cards]
        for store in (self.stored, self.fake):
            await store.save(result, picture(name), crops, None)
        self.names[result.scan_id] = name
        self.cards[name] = [card.detection_id for card in cards]

    async def say(
        self, name: str, place: int | None, card_id: str | None, status: str = "learned", **columns: object
    ) -> None:
        """What a person says of a card of a scan, or (None) of one that it missed, and how it stands."""
        verdict = columns.pop("verdict", Verdict.NOT_IN_GALLERY if card_id is None else Verdict.CARD)
        scan_id = next(key for key, value in self.names.items() if value == name)
        about = {"scan_id": scan_id, "quad_px": QUAD}
        if place is not None:
            about = {"detection_id": self.cards[name][place]}
        said = NewCorrection(verdict, card_id=card_id, **about)
        crop = picture("missed") if place is None else None
        stored, _ = await self.stored.add_correction(said, "body", crop)
        columns |= {"status": status}
        async with self.database.connection() as connection:
            for column, value in columns.items():
                await connection.execute(
                    f"UPDATE corrections SET {column} = $2 WHERE id = $1", stored.correction_id, value
                )
        kept = replace(stored, status=CorrectionStatus(status), reason=columns.get("reason"))
        self.fake.corrections[stored.correction_id] = kept

    async def find(self, *, in_memory_too: bool = True, **conditions: object) -> str:
        chosen = ScanFilter(**conditions)
        assert chosen.contradiction() is None
        names = [self.names[one.scan_id] for one in await self.stored.list(chosen, 50)]
        if in_memory_too:
            assert names == [self.names[one.scan_id] for one in await self.fake.list(chosen, 50)]
        return " ".join(names)


@pytest.fixture
async def album(database: Database) -> Album:
    opened = Album(database)
    async with database.connection() as connection:
        for card in (DROWZEE, PIKACHU):
            await connection.execute(
                "WITH g AS (INSERT INTO artwork_groups DEFAULT VALUES RETURNING id)"
                " INSERT INTO cards (card_id, artwork_group_id, name, search_words)"
                " SELECT $1, g.id, $2, '' FROM g",
                card.card_id,
                card.name,
            )
    return opened


async def test_what_is_asked_of_a_card_holds_for_one_and_the_same(album: Album) -> None:
    await album.add("both", found(PIKACHU), found(sure=0.4))
    await album.add("one", found(PIKACHU, sure=0.4))
    low = {"confidence_from": 0.3, "confidence_to": 0.5}
    assert await album.find(set_id="svp") == "both one"
    assert await album.find(**low) == "both one"
    assert await album.find(set_id="svp", **low) == "one"
    assert await album.find(card_id="sv5-131", language="en", **low) == "both"
    assert await album.find(language="fr", card_id="sv5-131") == ""


async def test_each_condition_of_a_card_is_looked_at(album: Album) -> None:
    await album.add("certain", found(sure=1.0))
    await album.add("learnt", learnt())
    await album.add("hurried", found(degraded=(Degraded.VERIFICATION_SKIPPED, Degraded.TOPK_REDUCED)))
    await album.add("strange", found(None, candidates=()))
    assert await album.find(learnt=True) == "learnt"
    assert await album.find(learnt=False) == "certain hurried strange"
    assert await album.find(degraded=Degraded.TOPK_REDUCED) == "hurried"
    assert await album.find(status=Status.UNKNOWN) == "strange"
    assert await album.find(confidence_from=0.95, confidence_to=1.0) == "certain"
    assert await album.find(confidence_from=0.9, confidence_to=0.95) == "learnt hurried"


async def test_each_condition_of_a_scan_is_looked_at(album: Album) -> None:
    await album.add("new", found())
    await album.add("slow", found(), timings_ms={"detect": 812.5, "total": 900.0})
    await album.add("empty")
    assert await album.find(stage=Stage.DETECT, slower_than_ms=812.4) == "slow"
    assert await album.find(stage=Stage.DETECT, slower_than_ms=812.5) == ""
    assert await album.find(since=NOW - timedelta(hours=1)) == "new slow"
    assert await album.find(before=NOW - timedelta(hours=1)) == "empty"
    assert await album.find(encoder="test") == "new slow empty"
    assert await album.find(encoder="other") == ""


async def test_judged_answers_are_right_or_wrong_as_they_were_given(album: Album) -> None:
    await album.add("right", found(), found(PIKACHU))
    await album.add("wrong", found())
    await album.add("known", found(None))
    await album.add("stranger", found(None))
    await album.add("none there", found())
    await album.add("nothing named", found(None))
    await album.say("right", 0, "sv5-131")
    await album.say("right", 1, "svp-1", "quarantined")
    await album.say("wrong", 0, "svp-1")
    await album.say("wrong", 0, "sv5-131")  # whoever was first was learnt first
    await album.say("known", 0, "sv5-131")
    await album.say("stranger", 0, None)
    await album.say("none there", 0, None, verdict=Verdict.NOT_A_CARD)
    await album.say("nothing named", 0, None, verdict=Verdict.NOT_A_CARD)
    assert await album.find(judged=Judged.RIGHT, in_memory_too=False) == "right stranger nothing named"
    assert await album.find(judged=Judged.WRONG, in_memory_too=False) == "wrong known none there"
    assert await album.find(judged=Judged.ANY) == "right wrong known stranger none there nothing named"
    assert await album.find(judged=Judged.RIGHT, verdict=Verdict.CARD, in_memory_too=False) == "right"
    accepted = {"status": Status.ACCEPTED, "in_memory_too": False}
    assert await album.find(judged=Judged.WRONG, **accepted) == "wrong none there"
    # A judged card and a card of the set, but not the same.
    assert await album.find(judged=Judged.ANY, set_id="svp") == ""


async def test_disputed_are_accepted_answers_that_an_unproved_word_contradicts(album: Album) -> None:
    await album.add("opposed", found(), found(PIKACHU))
    await album.add("agreed", found())
    await album.add("to review", found(status=Status.REVIEW))
    await album.add("no card", found())
    await album.add("outvoted", found())
    await album.say("opposed", 0, "svp-1", "quarantined")
    await album.say("agreed", 0, "sv5-131", "quarantined")
    await album.say("to review", 0, "svp-1", "quarantined")
    await album.say("no card", 0, None, "quarantined", verdict=Verdict.NOT_A_CARD)
    await album.say("outvoted", 0, "svp-1", "rejected", reason="2 people say that it is sv5-131")
    assert await album.find(judged=Judged.DISPUTED) == "opposed no card"
    assert await album.find(judged=Judged.DISPUTED, set_id="svp") == ""
    await album.say("opposed", 0, "sv5-131")
    assert await album.find(judged=Judged.DISPUTED, in_memory_too=False) == "no card"


async def test_what_is_asked_of_a_correction_holds_for_one_about_that_card(album: Album) -> None:
    await album.add("told", found(), found(PIKACHU))
    await album.add("missed", found())
    await album.say("told", 0, "svp-1", reason="it is blurred")
    await album.say("told", 1, "sv5-131", "rejected", reason="too dark")
    await album.say("missed", None, "svp-1")
    await album.say("missed", 0, None, unknown_group=7)
    assert await album.find(right_card_id="svp-1") == "told missed"
    assert await album.find(right_card_id="svp-1", card_id="sv5-131") == "told"
    assert await album.find(right_card_id="svp-1", card_id="svp-1") == ""
    assert await album.find(correction=CorrectionStatus.REJECTED) == "told"
    assert await album.find(correction=CorrectionStatus.REJECTED, reason="it is blurred") == ""
    assert await album.find(reason="too dark", right_card_id="sv5-131") == "told"
    assert await album.find(unknown_group=7, in_memory_too=False) == "missed"
    assert await album.find(unknown_group=8) == ""
    assert await album.find(corrected_since=datetime.now(UTC) - timedelta(minutes=1)) == "told missed"
    assert await album.find(corrected_since=datetime.now(UTC) + timedelta(minutes=1)) == ""


async def test_of_many_only_so_many_newest_come(album: Album) -> None:
    for name in ("first", "second", "third"):
        await album.add(name, found())
    newest = await album.stored.list(ScanFilter(status=Status.ACCEPTED), 2)
    assert [album.names[one.scan_id] for one in newest] == ["first", "second"]
