"""Figures over stored scans and corrections."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import asyncpg

from app.db.closed_days import ClosedDays
from app.db.learning import answered_from_json
from app.db.pool import Database
from app.db.queries import Queries
from app.domain.correction_types import Verdict
from app.domain.learning_types import Answered
from app.domain.quality import accuracy_of, effects_of, most_telling
from app.domain.quality_types import (
    Accuracy,
    ConfusedPair,
    Coverage,
    Day,
    JudgedAnswer,
    LearntTemplate,
    Quality,
    QualityFilter,
    SeenAt,
    StageTime,
    StatusCounts,
    TemplateEffect,
    UnknownGroup,
    WorthReviewing,
)
from app.domain.types import Card, Status, TemplateSource

#: A learnt crop so alike to another was cut from the same photo, or from one that is as good as the same.
SAME_PHOTO = 0.97
#: And where both lie at the same place of their pictures: of photos that were saved anew, smaller and at a
#: JPEG quality of 60 to 80, the least alike crops were 0.85 alike (docs/experiments.md, 49).
SAME_PHOTO_IN_PLACE = 0.8
#: Corners of one place, as a share of the picture: they lay 0.015 apart in photos saved anew.
_SAME_PLACE = 0.02
#: Reasons name cards, so that there may be as many as corrections.
_MOST_REASONS = 30


_Rows = Mapping[str, list[asyncpg.Record]]
_Work = Callable[[asyncpg.Connection], Awaitable[_Rows]]


class PostgresQuality:
    """Implements ``app.domain.ports.QualityStore``.

    Args:
        database: Where scans and corrections lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries: Queries = database.queries
        self._closed_days = ClosedDays()

    async def figures(self, chosen: QualityFilter) -> Quality:
        """Everything, in one view of the database.

        Raises:
            SearchTimeout: a statement was cancelled.
            DatabaseUnavailable: the database cannot be reached.
        """
        span = (chosen.since, chosen.until)
        everything = (*span, chosen.set_id, chosen.encoder)
        # Those that take longest first, so that neither connection is left with one of them at the end.
        work = deque(
            (
                self._ask("quality_judged", *everything, _SAME_PLACE, SAME_PHOTO_IN_PLACE),
                self._count(chosen),
                self._ask("quality_stages", *span, chosen.encoder),
                self._ask("quality_review", *everything),
                self._ask("quality_disputed", *everything),
                self._ask("quality_degraded", *everything),
                self._ask("quality_encoders"),
                self._ask("quality_confused", chosen.set_id),
                self._ask("quality_corrections", *span),
                self._ask("quality_unknown_groups", *span),
                self._ask("quality_learnt_templates", chosen.encoder),
            )
        )
        async with self._database.views() as views:
            rows = await _rows(views, work)
            judged = list(map(_judged, rows["quality_judged"]))
            effects = effects_of(judged)
            telling = most_telling(effects)
            learnt = await views[0].fetch(self._queries["quality_learnt"], telling)
        accuracy = accuracy_of(judged, list(map(_seen_at, rows["quality_disputed"])))
        return _quality(rows, accuracy, _learnt(learnt, telling, effects))

    def _ask(self, name: str, *parameters: object) -> _Work:
        """One statement."""

        async def fetch(view: asyncpg.Connection) -> _Rows:
            return {name: list(await view.fetch(self._queries[name], *parameters))}

        return fetch

    def _count(self, chosen: QualityFilter) -> _Work:
        """Scans and cards by day; of the cards only those of open days are counted each time."""

        async def fetch(view: asyncpg.Connection) -> _Rows:
            rest = (chosen.until, chosen.set_id, chosen.encoder)
            days = list(await view.fetch(self._queries["quality_scans"], chosen.since, *rest))
            remaining = self._closed_days.remaining(chosen, days)
            counted = list(await view.fetch(self._queries["quality_cards"], remaining.since, *rest))
            counted += remaining.known
            self._closed_days.keep(chosen, days, counted)
            return {"quality_scans": days, "quality_cards": counted}

        return fetch


async def _rows(views: Sequence[asyncpg.Connection], work: deque[_Work]) -> _Rows:
    """What the statements find, by their names; each connection takes the next as soon as it is free.

    Raises:
        Exception: the first failure; by then no connection is in the middle of a statement.
    """
    rows: dict[str, list[asyncpg.Record]] = {}
    failures: list[BaseException] = []

    async def take_next(view: asyncpg.Connection) -> None:
        try:
            while work:
                rows.update(await work.popleft()(view))
        except BaseException as failure:
            work.clear()  # nobody would see what the other still finds
            failures.append(failure)
            raise

    await asyncio.gather(*map(take_next, views), return_exceptions=True)
    if failures:
        raise failures[0]
    return rows


def _quality(rows: _Rows, accuracy: Accuracy, learnt: tuple[LearntTemplate, ...]) -> Quality:
    cards, corrections = rows["quality_cards"], rows["quality_corrections"]
    return Quality(
        days=_days(rows["quality_scans"], cards),
        accuracy=accuracy,
        confused=tuple(map(_pair, rows["quality_confused"])),
        sets=_coverage(cards, "set_id", "set_name"),
        languages=_coverage(cards, "language", "language"),
        corrections=_by_status(corrections),
        reasons=_reasons(corrections),
        learnt_templates=int(rows["quality_learnt_templates"][0][0]),
        learnt=learnt,
        unknown_groups=tuple(map(_unknown, rows["quality_unknown_groups"])),
        stages=tuple(StageTime(row["stage"], row["p50_ms"], row["p95_ms"]) for row in rows["quality_stages"]),
        degraded={row["note"]: row["cards"] for row in rows["quality_degraded"]},
        more_reasons=max(0, len(corrections) - _MOST_REASONS),
        review=tuple(map(_worth_reviewing, rows["quality_review"])),
        encoders=tuple(row["encoder_name"] for row in rows["quality_encoders"]),
    )


def _days(scans: Sequence[asyncpg.Record], cards: Sequence[asyncpg.Record]) -> tuple[Day, ...]:
    counts: dict[dt.date, Counter[str]] = defaultdict(Counter)
    for row in cards:
        counts[row["day"]][row["status"]] += row["cards"]
    return tuple(Day(row["day"], row["scans"], _status_counts(counts[row["day"]])) for row in scans)


def _status_counts(counts: Counter[str]) -> StatusCounts:
    return StatusCounts(*(counts[status] for status in (Status.ACCEPTED, Status.REVIEW, Status.UNKNOWN)))


def _judged(row: asyncpg.Record) -> JudgedAnswer:
    learnt = row["source"] == TemplateSource.CORRECTION
    knew_itself = (
        row["picture_was_learnt"]
        or (row["learnt_similarity"] or 0.0) >= SAME_PHOTO
        or (row["learnt_similarity_in_place"] or 0.0) >= SAME_PHOTO_IN_PLACE
    )
    # Read only where it matters: of most answers it does not.
    alone = json.loads(row["alone"]) if row["alone"] is not None and (knew_itself or learnt) else None
    return JudgedAnswer(
        detection_id=row["detection_id"],
        scan_id=row["scan_id"],
        right_card_id=row["right_card_id"],
        right_group=row["right_group"],
        given=Answered(
            row["answered_card_id"],
            row["answered_group"],
            Status(row["status"]),
            row["confidence_card"],
            row["confidence_printing"],
        ),
        alone=None if alone is None else answered_from_json(alone),
        knew_itself=knew_itself,
        learnt=learnt,
        learnt_from=row["learnt_from"],
        is_card=row["verdict"] != Verdict.NOT_A_CARD,
    )


def _seen_at(row: asyncpg.Record) -> SeenAt:
    return row["scan_id"], row["detection_id"]


def _reasons(rows: Sequence[asyncpg.Record]) -> tuple[tuple[str, str, int], ...]:
    return tuple((row["status"], row["reason"], row["corrections"]) for row in rows[:_MOST_REASONS])


def _learnt(
    rows: Sequence[asyncpg.Record], order: Sequence[UUID], effects: Mapping[UUID, TemplateEffect]
) -> tuple[LearntTemplate, ...]:
    """In the given order; templates that are not searched any more are left out."""
    found = {
        row["correction_id"]: LearntTemplate(
            correction_id=row["correction_id"],
            card=Card(row["card_id"], row["name"], row["set_id"], row["set_name"], row["number"]),
            scan_id=row["scan_id"],
            detection_id=row["detection_id"],
            learnt_at=row["learnt_at"],
            effect=effects[row["correction_id"]],
        )
        for row in rows
    }
    return tuple(found[correction_id] for correction_id in order if correction_id in found)


def _pair(row: asyncpg.Record) -> ConfusedPair:
    def card(side: str) -> Card:
        return Card(
            card_id=row[f"{side}_card_id"],
            name=row[f"{side}_name"],
            set_id=row[f"{side}_set_id"],
            set_name=row[f"{side}_set_name"],
            number=row[f"{side}_number"],
        )

    return ConfusedPair(card("answered"), card("right"), row["times"])


def _coverage(rows: Sequence[asyncpg.Record], key: str, name: str) -> tuple[Coverage, ...]:
    """Named cards by what a column says, most cards first; those of which it says nothing are left out.

    Of several names that of the most cards counts.
    """
    names: dict[str, Counter[str]] = defaultdict(Counter)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["status"] != Status.UNKNOWN and row[key] is not None:
            names[row[key]][row[name] or row[key]] += row["cards"]
            counts[row[key]][row["status"]] += row["cards"]
    ordered = sorted(counts, key=lambda one: (-counts[one].total(), one))
    return tuple(Coverage(one, _most_usual(names[one]), _status_counts(counts[one])) for one in ordered)


def _most_usual(names: Counter[str]) -> str:
    return min(names, key=lambda name: (-names[name], name))


def _by_status(rows: Sequence[asyncpg.Record]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["status"]] += row["corrections"]
    return dict(counts)


def _unknown(row: asyncpg.Record) -> UnknownGroup:
    return UnknownGroup(row["number"], row["seen"], row["last_seen"], tuple(row["detection_ids"] or ()))


def _worth_reviewing(row: asyncpg.Record) -> WorthReviewing:
    first = None if row["first"] is None else Card(**json.loads(row["first"]))
    if row["confused_times"] > 1:
        reason = f"such answers have been wrong {row['confused_times']} times"
    elif row["status"] == Status.REVIEW:
        reason = "the answer hangs in the balance"
    else:
        reason = "a card that nobody has named yet"
    return WorthReviewing(
        row["detection_id"], row["scan_id"], Status(row["status"]), first, row["confidence_printing"], reason
    )
