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
from app.services.gallery_fetch.checks import Checks
from app.services.gallery_fetch.folder import FetchedCard, FetchFolder, Picture, sha256_of
from app.services.gallery_fetch.polite_client import PoliteClient
from app.services.gallery_fetch.run import (
    CameOut,
    FetchReport,
    FetchRun,
    choose_sets,
    id_of_printing,
    printed_number,
)
from app.services.gallery_fetch.validators import NO_VALIDATORS, Validators

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
        checks: Which pictures that are there are asked about; else those it is time for.
    """

    def __init__(
        self,
        client: PoliteClient,
        folder: FetchFolder,
        language: str = "en",
        base_url: str = BASE_URL,
        checks: Checks | None = None,
    ) -> None:
        self._client = client
        self._folder = folder
        self._language = language
        self._checks = checks or Checks(folder)
        self._api = f"{base_url.rstrip('/')}/{quote(language, safe='')}"

    async def run(
        self, set_ids: Sequence[str] = (), progress: Callable[[int, int], None] | None = None
    ) -> FetchReport:
        """Fetches every picture that is missing or changed and writes the manifest of all that are there.

        Args:
            set_ids: Sets to fetch; none means every set that exists in print.
            progress: Told after each card how many of how many are done; both grow from set to set.

        Raises:
            NotFound: TCGdex has no such set in this language.
            ConfigurationError: it has no such language.
            Unavailable: the server cannot be reached, or fails again and again.
            SourceResting: it asks to be left alone for long; the run ends at once.
        """
        run = FetchRun(self._folder, progress)
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
        if not run.report.not_renewed:
            self._checks.finish()
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
        address = f"{brief.image}/{PICTURE}"
        known = await asyncio.to_thread(self._folder.intact, self._card_id(brief))
        if known is None:
            card = await self._card(of, brief)
            picture = await self._picture(address, NO_VALIDATORS)
            assert picture is not None
            self._folder.put(card, self._language, picture, ".webp")
            return CameOut.FETCHED
        # Older versions noted no address: there is none to compare with.
        if known.origin in ("", address) and not self._checks.due(known):
            return CameOut.THERE_BEFORE
        return await self._renew(known, of, brief, address)

    async def _renew(self, known: FetchedCard, of: _Set, brief: _CardBrief, address: str) -> CameOut:
        """Asks whether the source has another picture by now than the one that is there."""
        try:
            picture = await self._picture(
                address, known.validators if known.origin == address else NO_VALIDATORS
            )
        except NotFound:
            if known.origin not in ("", address):
                raise
            picture = None  # the source has it no more, and we do
        if picture is None or sha256_of(picture.data) == known.sha256:
            self._folder.keep(known, known.card, picture, asked=True)
            return CameOut.STILL_THE_SAME
        self._folder.put(await self._card(of, brief), self._language, picture, ".webp")
        return CameOut.REPLACED

    async def _picture(self, address: str, held: Validators) -> Picture | None:
        reply = await self._client.get_unless_held(address, held)
        if reply is None:
            return None
        if not (reply.body.startswith(b"RIFF") and reply.body[8:12] == b"WEBP"):
            raise BinderlensError(f"{address} is not a WebP picture")
        return Picture(reply.body, address, reply.validators)

    def _card_id(self, brief: _CardBrief) -> str:
        return id_of_printing(brief.id, self._language)

    async def _card(self, of: _Set, brief: _CardBrief) -> Card:
        detail = _parse(_CardDetail, await self._client.get(f"{self._api}/cards/{quote(brief.id, safe='')}"))
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
