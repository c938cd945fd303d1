"""Fetches Pokémon cards from TCGdex (https://tcgdex.dev/rest), an open database; its API needs no key.

Shapes as of API v2: ``/{language}/sets`` lists ``{id, name, cardCount}``; ``/{language}/sets/{id}`` adds
``serie`` and ``cards: [{id, localId, name, image}]``; ``/{language}/cards/{id}`` adds ``rarity``. The picture
is ``{image}/high.webp``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, Field, RootModel, ValidationError

from app.domain.errors import BinderlensError, ConfigurationError, NotFound
from app.domain.types import Card
from app.services.gallery_fetch.folder import FetchFolder
from app.services.gallery_fetch.polite_client import PoliteClient
from app.services.gallery_fetch.run import (
    CameOut,
    FetchReport,
    FetchRun,
    choose_sets,
    id_of_printing,
    printed_number,
)

BASE_URL = "https://api.tcgdex.net/v2"
PICTURES_URL = "https://assets.tcgdex.net"
GAME = "pokemon"
PICTURE = "high.webp"

Shape = TypeVar("Shape", bound=BaseModel)

#: Series of the phone game Pokémon TCG Pocket: its cards do not exist in print.
_SERIES_NOT_PRINTED = frozenset(("tcgp",))


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
        run = FetchRun(progress)
        try:
            for set_id in await self._choose(set_ids):
                one = _parse(_Set, await self._client.get(f"{self._api}/sets/{quote(set_id, safe='')}"))
                if set_ids or one.series.id not in _SERIES_NOT_PRINTED:
                    jobs = [
                        (self._card_id(brief), partial(self._fetch_card, one, brief)) for brief in one.cards
                    ]
                    await run.fetch_set(one.id, jobs)
        finally:
            self._folder.write_manifest()
        return run.report

    async def _choose(self, set_ids: Sequence[str]) -> list[str]:
        try:
            listed = _parse(_SetList, await self._client.get(f"{self._api}/sets"))
        except NotFound as error:
            raise ConfigurationError(f"TCGdex has no language {self._language!r} ({error})") from error
        known = [one.id for one in listed.root]
        return choose_sets(set_ids, known, f"TCGdex in {self._language!r}")

    async def _fetch_card(self, of: _Set, brief: _CardBrief) -> CameOut:
        if brief.image is None:
            return CameOut.WITHOUT_PICTURE
        if await asyncio.to_thread(self._folder.intact, self._card_id(brief)) is not None:
            return CameOut.THERE_BEFORE
        detail = _parse(_CardDetail, await self._client.get(f"{self._api}/cards/{quote(brief.id, safe='')}"))
        picture = await self._client.get(f"{brief.image}/{PICTURE}")
        if not (picture.startswith(b"RIFF") and picture[8:12] == b"WEBP"):
            raise BinderlensError(f"{brief.image}/{PICTURE} is not a WebP picture")
        self._folder.put(self._card(of, brief, detail), self._language, picture, ".webp")
        return CameOut.FETCHED

    def _card_id(self, brief: _CardBrief) -> str:
        return id_of_printing(brief.id, self._language)

    def _card(self, of: _Set, brief: _CardBrief, detail: _CardDetail) -> Card:
        return Card(
            card_id=self._card_id(brief),
            name=brief.name,
            set_id=of.id,
            set_name=of.name,
            number=printed_number(str(brief.local_id), of.count.official),
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
