"""Where the pictures of cards come from that a data folder names: their addresses, or a local folder."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.domain.errors import BinderlensError, ConfigurationError, NotFound, UnsupportedFormat
from app.services.file_below import FileAbsent, file_below
from app.services.gallery_fetch.folder import PICTURE_SUFFIXES, FetchedCard, Picture
from app.services.gallery_fetch.pokemontcg_data import DataCard
from app.services.gallery_fetch.polite_client import PoliteClient
from app.services.gallery_fetch.validators import NO_VALIDATORS
from app.vision.headers import sniff

PICTURES_URL = "https://images.pokemontcg.io"

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
_LARGEST_FILE_BYTES = 40_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """What there is for a card.

    Attributes:
        picture: None where there is none, or none but the one that is known.
        asked: Whether a server was asked for it.
    """

    picture: Picture | None = None
    asked: bool = False


class Pictures(Protocol):
    """Finds pictures of cards."""

    async def find(self, card: DataCard, known: FetchedCard | None, ask_again: bool, /) -> Found:
        """The card's picture, where it is not the one that is known.

        Args:
            card: Whose picture.
            known: What was fetched before and is whole.
            ask_again: Whether to ask if that is still the picture at its address.

        Raises:
            BinderlensError: it cannot be had.
        """


class DownloadedPictures:
    """Pictures from their addresses; what came from one that still holds is kept, or asked about again.

    Args:
        client: How to ask; it allows the addresses of one server.
        instead_of_url: Another address of the server that the data calls ``PICTURES_URL``.
    """

    def __init__(self, client: PoliteClient, instead_of_url: str | None = None) -> None:
        self._client = client
        self._base = None if instead_of_url is None else instead_of_url.rstrip("/")

    async def find(self, card: DataCard, known: FetchedCard | None, ask_again: bool, /) -> Found:
        """See ``Pictures``; the small picture is taken where there is no large one."""
        from_a_file = known is not None and not known.origin
        holds = known is not None and known.origin in card.addresses
        if not card.addresses or from_a_file or (holds and not ask_again):
            return Found()
        not_there: NotFound | None = None
        for address in card.addresses:
            held = known.validators if known is not None and known.origin == address else NO_VALIDATORS
            try:
                reply = await self._client.get_unless_held(self._moved(address), held)
            except NotFound as error:
                not_there = not_there or error
                continue
            picture = None if reply is None else Picture(reply.body, address, reply.validators)
            return Found(picture, asked=True)
        if holds:  # the source has it no more, and we do
            return Found(asked=True)
        raise not_there or NotFound("it has no picture")

    def _moved(self, address: str) -> str:
        if self._base is None or not address.startswith(f"{PICTURES_URL}/"):
            return address
        return self._base + address.removeprefix(PICTURES_URL)


class LocalPictures:
    """Pictures from ``root/{set id}/{name}.{ending}``; nothing is asked of any server.

    Raises:
        ConfigurationError: there is no such folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ConfigurationError(f"{root} is not a folder of pictures")
        self._root = root.resolve()

    async def find(self, card: DataCard, _known: FetchedCard | None, _ask_again: bool, /) -> Found:
        """See ``Pictures``; a file is read each time, for it may have changed."""
        return Found(await asyncio.to_thread(self._read, card))

    def _read(self, card: DataCard) -> Picture | None:
        try:
            for name in card.file_names:
                for ending in _ENDINGS:
                    relative = f"{card.card.set_id}/{name}{ending}"
                    try:
                        path = file_below(self._root, relative, "picture")
                    except FileAbsent:
                        continue
                    if path.stat().st_size > _LARGEST_FILE_BYTES:
                        raise ValueError(f"picture {relative} has more than {_LARGEST_FILE_BYTES} bytes")
                    return Picture(path.read_bytes())
        except OSError as error:
            raise BinderlensError(f"its picture cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise BinderlensError(str(error)) from error
        return None


def picture_suffix(data: bytes) -> str:
    """How a file of this content ends.

    Raises:
        UnsupportedFormat: it is no picture, or of a format that card data do not come in.
    """
    known = ", ".join(PICTURE_SUFFIXES)
    try:
        return PICTURE_SUFFIXES[sniff(data)]
    except (KeyError, UnsupportedFormat) as error:
        raise UnsupportedFormat(f"what came as its picture is none of {known}") from error
