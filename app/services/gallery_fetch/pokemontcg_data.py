"""Reads a copy of the PokemonTCG data project (https://github.com/PokemonTCG/pokemon-tcg-data).

``sets/en.json`` is an array of ``{id, name, printedTotal}``; ``cards/en/{set id}.json`` one of
``{id, name, number, rarity, images: {small, large}}``. Whoever made the copy may have changed it: what cannot
be used is told apart, entry by entry, and no name in it leads out of the folder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from app.domain.errors import ConfigurationError
from app.domain.types import Card
from app.services.file_below import file_below
from app.services.gallery_fetch.run import id_of_printing, printed_number
from app.services.manifest import card_value

GAME = "pokemon"

#: The largest file of the project has 0.7 MB.
_LARGEST_FILE_BYTES = 40_000_000
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2,8})?")
_ENTRIES = TypeAdapter(list[object])
#: Beyond any set's count; Python refuses to write out numbers of thousands of digits.
_Count = Annotated[int, Field(ge=0, le=1_000_000)]

Unusable = list[tuple[str, str]]
"""What could not be used, with why."""


class _Images(BaseModel):
    small: str | None = None
    large: str | None = None


class _RawCard(BaseModel):
    id: str
    name: str
    number: str | _Count | None = None
    rarity: str | None = None
    images: _Images = Field(default_factory=_Images)


class _RawSet(BaseModel):
    id: str
    name: str
    printed_total: _Count | None = Field(default=None, alias="printedTotal")


@dataclass(frozen=True, slots=True)
class DataSet:
    """A set: its id, its name, and how many cards it has by what is printed on them."""

    set_id: str
    name: str
    printed_total: int | None


@dataclass(frozen=True, slots=True)
class DataCard:
    """A card of the data.

    Attributes:
        card: As it goes into the manifest.
        addresses: Of its picture, the larger one first.
        file_names: What a file of its picture may be called, without ending, the likeliest first.
    """

    card: Card
    addresses: tuple[str, ...]
    file_names: tuple[str, ...]


class DataFolder:
    """A copy of the data, for one language.

    Raises:
        ConfigurationError: there is no such folder, or no language can have this name.
    """

    def __init__(self, root: Path, language: str) -> None:
        if not root.is_dir():
            raise ConfigurationError(f"{root} is not a folder of the PokemonTCG data")
        if _LANGUAGE.fullmatch(language) is None:
            raise ConfigurationError(f"{language!r} is not the code of a language")
        self._root = root.resolve()
        self._language = language

    def sets(self, unusable: Unusable) -> dict[str, DataSet]:
        """Every set by its id, in the order of the data.

        Args:
            unusable: Is told of entries that are no sets.

        Raises:
            ConfigurationError: the list cannot be read.
        """
        relative = f"sets/{self._language}.json"
        found: dict[str, DataSet] = {}
        try:
            for place, entry in self._entries(relative):
                try:
                    raw = _RawSet.model_validate(entry)
                    one = DataSet(_single_name("id", raw.id), _text("name", raw.name), raw.printed_total)
                    if found.setdefault(one.set_id, one) is not one:
                        raise ValueError(f"the set {one.set_id} was there before")
                except ValueError as error:
                    unusable.append((place, _reason(error)))
        except ValueError as error:
            raise ConfigurationError(f"{self._root}: {_reason(error)}") from error
        return found

    def cards(self, of: DataSet, unusable: Unusable) -> list[DataCard]:
        """The cards of a set; none where its file cannot be read.

        Args:
            of: The set.
            unusable: Is told of that, and of entries that are no cards.
        """
        relative = f"cards/{self._language}/{of.set_id}.json"
        raws: list[tuple[str, _RawCard]] = []
        try:
            for place, entry in self._entries(relative):
                try:
                    raws.append((place, _RawCard.model_validate(entry)))
                except ValueError as error:
                    unusable.append((place, _reason(error)))
        except ValueError as error:
            unusable.append((f"set {of.set_id}", _reason(error)))
        claims = Counter(name for _, raw in raws for name in {str(raw.number), *_stems(raw)})
        cards = []
        for place, raw in raws:
            try:
                cards.append(self._card(of, raw, unshared=claims[str(raw.number)] == 1))
            except ValueError as error:
                unusable.append((place, _reason(error)))
        return cards

    def _card(self, of: DataSet, raw: _RawCard, *, unshared: bool) -> DataCard:
        number = card_value("number", raw.number)
        card = Card(
            card_id=id_of_printing(_single_name("id", raw.id), self._language),
            name=_text("name", raw.name),
            set_id=of.set_id,
            set_name=of.name,
            number=None if number is None else printed_number(number, of.printed_total),
            rarity=card_value("rarity", raw.rarity),
            language=self._language,
            game=GAME,
        )
        # Some reprints of one set share a number (cel25c has four of 15): its file could be any of theirs.
        stems = (*((number,) if number is not None and unshared else ()), *_stems(raw))
        names = [f"{stem}{size}" for stem in dict.fromkeys(stems) for size in ("_hires", "")]
        return DataCard(card, tuple(_addresses(raw)), tuple(filter(_is_single_name, names)))

    def _entries(self, relative: str) -> Iterator[tuple[str, object]]:
        """The entries of a file, each with a name for its place. Raises ValueError where it is no array."""
        path = file_below(self._root, relative, "data file")
        try:
            if path.stat().st_size > _LARGEST_FILE_BYTES:
                raise ValueError(f"data file {relative} has more than {_LARGEST_FILE_BYTES} bytes")
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"data file {relative} cannot be read: {error.strerror}") from error
        try:
            entries = _ENTRIES.validate_json(content)
        except ValidationError as error:
            raise ValueError(f"data file {relative} is not an array in JSON: {_reason(error)}") from error
        return ((f"{relative}, entry {place}", entry) for place, entry in enumerate(entries, start=1))


def _single_name(what: str, value: str) -> str:
    """A value that names something by itself.

    Raises:
        ValueError: it is empty, or could lead somewhere else as the name of a file.
    """
    text = _text(what, value)
    if not _is_single_name(text):
        raise ValueError(f"{what} {text!r} could lead to another folder")
    return text


def _is_single_name(text: str) -> bool:
    return text not in ("", ".", "..") and not set("/\\\0") & set(text)


def _text(what: str, value: str) -> str:
    text = card_value(what, value)
    if text is None:
        raise ValueError(f"no {what}")
    return text


def _addresses(raw: _RawCard) -> Iterator[str]:
    for address in (raw.images.large, raw.images.small):
        text = card_value("address of its picture", address)
        if text is not None:
            yield text


def _stems(raw: _RawCard) -> list[str]:
    """What the files of a card's pictures are called at their addresses, without ``_hires`` and ending."""
    stems = []
    for address in (raw.images.large, raw.images.small):
        try:
            name = PurePosixPath(unquote(urlsplit(address or "").path)).stem
        except ValueError:  # no address at all; asking for it will say so
            continue
        stems.append(name.removesuffix("_hires"))
    return [stem for stem in stems if stem]


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
