"""A folder of fetched pictures: what is there with which hash, and the manifest of all of it.

``fetched.jsonl`` gets a line for each card as soon as its picture is in place, so a run that was interrupted,
however it was, goes on where it stopped; ``manifest.csv`` is made from it.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

from pydantic import TypeAdapter

from app.domain.errors import ConfigurationError, InvalidInput
from app.domain.types import Card
from app.services.gallery_fetch.validators import NO_VALIDATORS, Validators
from app.services.manifest import COLUMNS

LEDGER_NAME = "fetched.jsonl"
MANIFEST_NAME = "manifest.csv"

#: Formats of pictures that are kept, as ``sniff`` names them, and how their files end.
PICTURE_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's bytes.

    Attributes:
        data: The file.
        origin: Address it came from, or nothing.
        validators: What the server that it came from names this version by.
    """

    data: bytes
    origin: str = ""
    validators: Validators = NO_VALIDATORS


@dataclass(frozen=True, slots=True)
class FetchedCard:
    """A card whose picture is in the folder.

    Attributes:
        card: As it goes into the manifest.
        image: Path of the picture below the folder.
        sha256: Hash of the picture.
        origin: Address it came from; empty for a file, and where an older version did not note it.
        validators: What the server named it by; empty where it did not, or an older version did not note it.
        checked_at: When the source last said that this is its picture, in seconds since 1970; 0 is unknown.
    """

    card: Card
    image: str
    sha256: str
    origin: str = ""
    validators: Validators = NO_VALIDATORS
    checked_at: float = 0.0


_LINE = TypeAdapter(FetchedCard)


class FetchFolder:
    """Where one source's cards go.

    Args:
        root: Made when missing.
        clock: Seconds since 1970.

    Raises:
        ConfigurationError: it cannot be made or written.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self.root = root
        self.clock = clock
        self._cards: dict[str, FetchedCard] = {}
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._read_ledger()
            # Without the line that a killed run left unfinished, or the next one would grow onto it.
            lines = "".join(map(_as_line, self._cards.values()))
            _write(root / LEDGER_NAME, lines.encode())
        except OSError as error:
            raise ConfigurationError(f"cannot write {root}: {error.strerror}") from error

    @property
    def manifest(self) -> Path:
        """Path of the manifest."""
        return self.root / MANIFEST_NAME

    def intact(self, card_id: str) -> FetchedCard | None:
        """What is known of a card whose picture is there with the hash it had when it was fetched."""
        known = self._cards.get(card_id)
        try:
            if known is None or sha256_of((self.root / known.image).read_bytes()) != known.sha256:
                return None
        except OSError:
            return None
        return known

    def put(self, card: Card, subfolder: str, picture: Picture, suffix: str) -> None:
        """Stores a card with its picture.

        Args:
            card: The card.
            subfolder: Folder for the picture, as a single name.
            picture: The picture.
            suffix: Its ending, one of ``PICTURE_SUFFIXES``.

        Raises:
            InvalidInput: the card's id is too long for a file's name.
            ConfigurationError: the folder cannot be written.
        """
        # Escaped: ids come from outside and may hold anything, ``exu-?`` for one.
        stem = f"images/{quote(subfolder, safe='')}/{quote(card.card_id, safe='')}"
        path = self.root / f"{stem}{suffix}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, picture.data)
            fetched = FetchedCard(card, f"{stem}{suffix}", sha256_of(picture.data))
            self._note(_from(fetched, picture, self.clock()))
            for other in set(PICTURE_SUFFIXES.values()) - {suffix}:  # of a picture that this one replaces
                (self.root / f"{stem}{other}").unlink(missing_ok=True)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise InvalidInput("its id is too long for the name of a file") from error
            raise ConfigurationError(f"cannot write {self.root}: {error.strerror}") from error

    def keep(
        self, known: FetchedCard, card: Card, came: Picture | None = None, *, asked: bool = False
    ) -> None:
        """Notes what the source says by now of a card whose picture stays.

        Args:
            known: What is there.
            card: The card as the source has it now.
            came: The same picture, where it came again.
            asked: Whether the source has just said that it has no other picture.

        Raises:
            ConfigurationError: the folder cannot be written.
        """
        fetched = replace(known, card=card)
        if asked:
            fetched = replace(fetched, checked_at=self.clock())
        if came is not None:
            fetched = _from(fetched, came, fetched.checked_at)
        if fetched == known:
            return
        try:
            self._note(fetched)
        except OSError as error:
            raise ConfigurationError(f"cannot write {self.root}: {error.strerror}") from error

    def _note(self, fetched: FetchedCard) -> None:
        self._cards[fetched.card.card_id] = fetched
        with (self.root / LEDGER_NAME).open("a", encoding="utf-8") as ledger:
            ledger.write(_as_line(fetched))

    def write_manifest(self) -> int:
        """Writes the manifest of every card in the folder, of this run and earlier ones; returns how many."""
        text = io.StringIO(newline="")
        rows = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        rows.writeheader()
        for card_id in sorted(self._cards):
            fetched = self._cards[card_id]
            rows.writerow({**asdict(fetched.card), "image": fetched.image})
        _write(self.manifest, text.getvalue().encode())
        return len(self._cards)

    def _read_ledger(self) -> None:
        try:
            text = (self.root / LEDGER_NAME).read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        # Not splitlines(): a card's name may hold U+2028, which ends no line here.
        for line in text.split("\n"):
            try:
                fetched = _LINE.validate_json(line)
            except ValueError:
                continue  # cut off; its picture is fetched again
            self._cards[fetched.card.card_id] = fetched


def sha256_of(picture: bytes) -> str:
    """The hash that the folder knows a picture by."""
    return hashlib.sha256(picture).hexdigest()


def _from(fetched: FetchedCard, picture: Picture, checked_at: float) -> FetchedCard:
    """The card with where its picture came from, and when."""
    return replace(fetched, origin=picture.origin, validators=picture.validators, checked_at=checked_at)


def _as_line(fetched: FetchedCard) -> str:
    return json.dumps(asdict(fetched), ensure_ascii=False) + "\n"


def _write(path: Path, content: bytes) -> None:
    """Writes beside the place and renames: what stands at ``path`` is whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
