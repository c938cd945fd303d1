"""Fetches Pokémon cards from TCGdex (https://tcgdex.dev/rest), an open database; its API needs no key.

Shapes as of API v2: ``/{language}/sets`` lists ``{id, name, cardCount}``; ``/{language}/sets/{id}`` adds
``serie`` and ``cards: [{id, localId, name, image}]``; ``/{language}/cards/{id}`` adds ``rarity``. The picture
is ``{image}/high.webp``.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, Field, RootModel, ValidationError

from app.domain.errors import BinderlensError, ConfigurationError, NotFound, SourceResting, Unavailable
from app.domain.types import Card
from app.services.gallery_fetch.folder import FetchFolder
from app.services.gallery_fetch.polite_client import PoliteClient

BASE_URL = "https://api.tcgdex.net/v2"
PICTURES_URL = "https://assets.tcgdex.net"
GAME = "pokemon"
PICTURE = "high.webp"

Shape = TypeVar("Shape", bound=BaseModel)

#: Series of the phone game Pokémon TCG Pocket: its cards do not exist in print.
_SERIES_NOT_PRINTED = frozenset(("tcgp",))
#: After the server has failed for so many cards in a row, it is taken for gone.
_FAILURES_IN_A_ROW = 8


class _CardCount(BaseModel):
    official: int = 0


class _SetBrief(BaseModel):
    id: str


class _SetList(RootModel[list[_SetBrief]]):
    pass


class _Series(BaseModel):
    id: str = ""


class _CardBrief(BaseModel):
    id: str
    local_id: str | int = Field(alias="localId")
    name: str
    image: str | None = None


class _Set(_SetBrief):
    name: str
    count: _CardCount = Field(default_factory=_CardCount, alias="cardCount")
    series: _Series = Field(default_factory=_Series, alias="serie")
    cards: list[_CardBrief] = []


class _CardDetail(BaseModel):
    rarity: str | None = None


@dataclass(slots=True)
class FetchReport:
    """What a run did, in cards.

    Attributes:
        fetched: Downloaded in this run.
        there_before: There already, with the right hash.
        without_picture: TCGdex has no picture of them.
        failed: Card ids that could not be had, with why.
    """

    fetched: int = 0
    there_before: int = 0
    without_picture: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


class TcgdexFetcher:
    """Fetches sets of one language into a folder.

    Args:
        client: How to ask.
        folder: Where the cards go.
        language: TCGdex's code: ``en``, ``fr``, ``ja``, ``pt-br``, ...
        base_url: Address of the API.
    """

    def __init__(
        self, client: PoliteClient, folder: FetchFolder, language: str = "en", base_url: str = BASE_URL
    ) -> None:
        self._client = client
        self._folder = folder
        self._language = language
        self._api = f"{base_url.rstrip('/')}/{quote(language, safe='')}"
        self._failures_in_a_row = 0

    async def run(
        self, set_ids: Sequence[str] = (), progress: Callable[[int, int], None] | None = None
    ) -> FetchReport:
        """Fetches every card that is not there yet and writes the manifest of all that are.

        Args:
            set_ids: Sets to fetch; none means every set that exists in print.
            progress: Told after each card how many of how many are done; both grow from set to set.

        Raises:
            NotFound: TCGdex has no such set in this language.
            ConfigurationError: it has no such language.
            Unavailable: the server cannot be reached, or fails again and again.
            SourceResting: it asks to be left alone for long; the run ends at once.
        """
        report = FetchReport()
        done = total = 0

        def advance(_: asyncio.Task[None]) -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(done, total)

        try:
            for set_id in await self._choose(set_ids):
                one = _parse(_Set, await self._client.get(f"{self._api}/sets/{quote(set_id, safe='')}"))
                if set_ids or one.series.id not in _SERIES_NOT_PRINTED:
                    total += len(one.cards)
                    await self._fetch_set(one, report, advance)
        finally:
            self._folder.write_manifest()
        return report

    async def _fetch_set(
        self, one: _Set, report: FetchReport, advance: Callable[[asyncio.Task[None]], None]
    ) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for brief in one.cards:
                    group.create_task(self._fetch_card(one, brief, report)).add_done_callback(advance)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the others were cancelled, or say the same

    async def _choose(self, set_ids: Sequence[str]) -> list[str]:
        try:
            listed = _parse(_SetList, await self._client.get(f"{self._api}/sets"))
        except NotFound as error:
            raise ConfigurationError(f"TCGdex has no language {self._language!r} ({error})") from error
        known = [one.id for one in listed.root]
        for set_id in set_ids:
            if set_id not in known:
                close = ", ".join(difflib.get_close_matches(set_id, known, n=5)) or "none"
                raise NotFound(f"TCGdex has no set {set_id!r} in {self._language!r}; similar ones: {close}")
        return list(dict.fromkeys(set_ids)) or known

    async def _fetch_card(self, of: _Set, brief: _CardBrief, report: FetchReport) -> None:
        card_id = self._card_id(brief.id)
        if brief.image is None:
            report.without_picture += 1
            return
        if await asyncio.to_thread(self._folder.holds, card_id):
            report.there_before += 1
            return
        try:
            detail = _parse(
                _CardDetail, await self._client.get(f"{self._api}/cards/{quote(brief.id, safe='')}")
            )
            picture = await self._client.get(f"{brief.image}/{PICTURE}")
            if not (picture.startswith(b"RIFF") and picture[8:12] == b"WEBP"):
                raise BinderlensError(f"{brief.image}/{PICTURE} is not a WebP picture")
        except SourceResting:
            raise  # for whichever card: it is meant for us
        except BinderlensError as error:
            self._note_failure(error)
            report.failed.append((card_id, str(error)))
            return
        self._failures_in_a_row = 0
        self._folder.put(self._card(of, brief, detail), self._language, picture, ".webp")
        report.fetched += 1

    def _note_failure(self, error: BinderlensError) -> None:
        """Gives up where the server fails again and again; that it lacks a picture is an answer."""
        self._failures_in_a_row = self._failures_in_a_row + 1 if isinstance(error, Unavailable) else 0
        if self._failures_in_a_row >= _FAILURES_IN_A_ROW:
            raise Unavailable(f"{_FAILURES_IN_A_ROW} cards in a row could not be had: {error}")

    def _card_id(self, tcgdex_id: str) -> str:
        """TCGdex's id names a card in every language; here each language is a printing of its own."""
        return tcgdex_id if self._language == "en" else f"{tcgdex_id}-{self._language}"

    def _card(self, of: _Set, brief: _CardBrief, detail: _CardDetail) -> Card:
        number = str(brief.local_id)
        return Card(
            card_id=self._card_id(brief.id),
            name=brief.name,
            set_id=of.id,
            set_name=of.name,
            number=f"{number}/{of.count.official}" if number.isdecimal() and of.count.official else number,
            rarity=None if detail.rarity in (None, "None") else detail.rarity,
            language=self._language,
            game=GAME,
        )


def _parse(shape: type[Shape], reply: bytes) -> Shape:
    try:
        return shape.model_validate_json(reply)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its reply"
        raise BinderlensError(f"TCGdex answers something unknown: {where}: {first['msg']}") from error
