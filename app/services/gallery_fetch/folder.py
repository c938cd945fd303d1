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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

from app.domain.errors import ConfigurationError, InvalidInput
from app.domain.types import Card
from app.services.manifest import COLUMNS

LEDGER_NAME = "fetched.jsonl"
MANIFEST_NAME = "manifest.csv"

#: Formats of pictures that are kept, as ``sniff`` names them, and how their files end.
PICTURE_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp"}


@dataclass(frozen=True, slots=True)
class FetchedCard:
    """A card whose picture is in the folder.

    Attributes:
        card: As it goes into the manifest.
        image: Path of the picture below the folder.
        sha256: Hash of the picture.
        origin: Address it came from, where the source may name another one later; else empty.
    """

    card: Card
    image: str
    sha256: str
    origin: str = ""


class FetchFolder:
    """Where one source's cards go.

    Args:
        root: Made when missing.

    Raises:
        ConfigurationError: it cannot be made or written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
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

    def put(self, card: Card, subfolder: str, picture: bytes, suffix: str, origin: str = "") -> None:
        """Stores a card with its picture.

        Args:
            card: The card.
            subfolder: Folder for the picture, as a single name.
            picture: The file's bytes.
            suffix: Its ending, one of ``PICTURE_SUFFIXES``.
            origin: Address it came from, where that may change.

        Raises:
            InvalidInput: the card's id is too long for a file's name.
            ConfigurationError: the folder cannot be written.
        """
        # Escaped: ids come from outside and may hold anything, ``exu-?`` for one.
        stem = f"images/{quote(subfolder, safe='')}/{quote(card.card_id, safe='')}"
        path = self.root / f"{stem}{suffix}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, picture)
            self._note(FetchedCard(card, f"{stem}{suffix}", sha256_of(picture), origin))
            for other in set(PICTURE_SUFFIXES.values()) - {suffix}:  # of a picture that this one replaces
                (self.root / f"{stem}{other}").unlink(missing_ok=True)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise InvalidInput("its id is too long for the name of a file") from error
            raise ConfigurationError(f"cannot write {self.root}: {error.strerror}") from error

    def relabel(self, known: FetchedCard, card: Card, origin: str) -> None:
        """Notes what the source says by now of a card whose picture stays.

        Raises:
            ConfigurationError: the folder cannot be written.
        """
        fetched = replace(known, card=card, origin=origin)
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
                values = json.loads(line)
                fetched = FetchedCard(Card(**values.pop("card")), **values)
            except (ValueError, TypeError, AttributeError, KeyError):
                continue  # cut off; its picture is fetched again
            self._cards[fetched.card.card_id] = fetched


def sha256_of(picture: bytes) -> str:
    """The hash that the folder knows a picture by."""
    return hashlib.sha256(picture).hexdigest()


def _as_line(fetched: FetchedCard) -> str:
    return json.dumps(asdict(fetched), ensure_ascii=False) + "\n"


def _write(path: Path, content: bytes) -> None:
    """Writes beside the place and renames: what stands at ``path`` is whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
