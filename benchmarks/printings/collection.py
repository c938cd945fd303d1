"""What is photographed: cards of a gallery, and cards of which no printing is in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from app.domain.types import RgbImage
from app.services.runtime import Runtime
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.folder import write_gallery
from benchmarks.galleries import import_manifest
from benchmarks.perceptual_hash import near_duplicate_groups, phash
from benchmarks.references import Reference, read_gallery

T = TypeVar("T", bound=Hashable)

#: Invented cards are photographed from larger pictures than the gallery's, which are 528 px high.
PHOTOGRAPHED_HEIGHT_PX = 640

#: So many pictures exist more than once that every size of group from one to six is there to be measured.
REPRINT_SHARE, FOIL_SHARE, LANGUAGE_SHARE, REPRINTS_MOST = 0.4, 0.2, 0.2, 3

#: Fewer cards a picture than these shares ever give, so that a catalogue is always large enough.
_LEAST_CARDS_A_PICTURE = 1.7

#: Bits of 256 by which pHashes of one artwork group's references differ at most, as in ``encoder_retrieval``.
_GROUP_DISTANCE_MAX_BITS = 24

#: Of a folder of real cards no more than this share is left out of the gallery.
_REAL_UNKNOWN_SHARE_MAX = 0.15


@dataclass(frozen=True, slots=True)
class Subject:
    """One card that is photographed.

    Attributes:
        card_id: Which printing it is.
        set_id: Where it was printed; empty where nobody knows.
        picture: Draws or reads it: RGB uint8 (height, width, 3).
        printings: Ids of every printing of its picture, its own included.
        rivals: Draw the other printings of the picture, on the same outline and as large; None where only
            scans exist, which never lie exactly on each other.
        in_gallery: False where every printing of the picture was left out of the gallery.
    """

    card_id: str
    set_id: str
    picture: Callable[[], RgbImage]
    printings: frozenset[str]
    rivals: tuple[Callable[[], RgbImage], ...] | None
    in_gallery: bool


@dataclass(frozen=True, slots=True)
class CardCollection:
    """A gallery to be filled, and whom to photograph.

    Attributes:
        name: For reports and folders.
        known: Cards of the gallery.
        unknown: Cards left out with their whole group.
        manifests: Manifest files and the folders that their pictures lie in.
    """

    name: str
    known: Sequence[Subject]
    unknown: Sequence[Subject]
    manifests: Sequence[tuple[Path, Path]]

    async def fill(self, runtime: Runtime) -> None:
        """Imports the gallery; what is there already is not embedded again.

        Raises:
            ValueError: a card could not be imported; every figure would be wrong without it.
        """
        absent = frozenset(one.card_id for one in self.unknown)
        for manifest, images in self.manifests:
            report = await import_manifest(runtime, manifest, images, absent)
            if report.bad_rows:
                raise ValueError(f"{manifest}, line {report.bad_rows[0].line}: {report.bad_rows[0].why}")


def split_groups(
    groups: Mapping[T, Collection[str]], unknown: int, rng: np.random.Generator
) -> tuple[list[T], list[T]]:
    """Draws whole groups of cards until they have ``unknown`` cards.

    Returns:
        The groups that stay, and those that are left out, both in random order.
    """
    names = list(groups)
    order = [names[i] for i in rng.permutation(len(names))]
    sizes = np.cumsum([len(groups[name]) for name in order])
    cut = int(np.searchsorted(sizes, unknown)) + 1 if unknown > 0 else 0
    return order[cut:], order[:cut]


def invented_collection(gallery: int, unknown: int, seed: int, folder: Path) -> CardCollection:
    """Invents a game and draws the part of it that is in the gallery into ``folder``.

    Args:
        gallery: Cards in the gallery, at least; whole groups are added until there are so many.
        unknown: Cards that are left out, at least.
        seed: Of the game and of the choice.
        folder: Pictures that an earlier call with the same arguments drew there are used again.
    """
    cards = _invent(gallery + unknown, seed)
    by_artwork: dict[str, list[InventedCard]] = {}
    for card in cards:
        by_artwork.setdefault(card.artwork_id, []).append(card)
    ids = {name: [card.card.card_id for card in group] for name, group in by_artwork.items()}
    rest, absent = split_groups(ids, unknown, np.random.default_rng([seed, 5]))
    sizes = np.cumsum([len(ids[name]) for name in rest])
    present = set(rest[: int(np.searchsorted(sizes, gallery)) + 1])
    kept = [card for card in cards if card.artwork_id in present]
    left_out = [card for card in cards if card.artwork_id in set(absent)]
    return CardCollection(
        name="invented",
        known=[_invented_subject(card, by_artwork[card.artwork_id], True) for card in kept],
        unknown=[_invented_subject(card, by_artwork[card.artwork_id], False) for card in left_out],
        manifests=[(_drawn(kept, folder), folder)],
    )


def _invent(cards: int, seed: int) -> list[InventedCard]:
    return invent_catalogue(
        seed,
        max(2, round(cards / _LEAST_CARDS_A_PICTURE)),
        reprint_share=REPRINT_SHARE,
        foil_share=FOIL_SHARE,
        language_share=LANGUAGE_SHARE,
        reprints_most=REPRINTS_MOST,
    )


def _invented_subject(card: InventedCard, group: Iterable[InventedCard], in_gallery: bool) -> Subject:
    others = [other for other in group if other is not card]
    return Subject(
        card_id=card.card.card_id,
        set_id=card.card.set_id or "",
        picture=partial(draw_card, card, PHOTOGRAPHED_HEIGHT_PX),
        printings=frozenset([card.card.card_id, *(other.card.card_id for other in others)]),
        rivals=tuple(partial(draw_card, other, PHOTOGRAPHED_HEIGHT_PX) for other in others),
        in_gallery=in_gallery,
    )


def _drawn(cards: Sequence[InventedCard], folder: Path) -> Path:
    """Draws the gallery's pictures unless all of them are there."""
    mark, manifest = folder / "all_drawn", folder / "manifest.csv"
    if not mark.exists():
        write_gallery(cards, folder)
        mark.touch()
    return manifest


def real_collection(galleries: Path, unknown: int, seed: int) -> CardCollection:
    """Every card of a folder of manifests; near duplicates count as printings of one picture.

    Args:
        galleries: Folder of CSV manifests with pictures below it.
        unknown: Cards that are left out, at least, with all their near duplicates; 15 % of all at most.
        seed: Of the choice.

    Raises:
        ValueError: there is no manifest, or a picture cannot be read.
    """
    references = read_gallery(galleries)
    groups = _near_duplicates(references)
    unknown = min(unknown, round(_REAL_UNKNOWN_SHARE_MAX * len(references)))
    _, absent = split_groups(groups, unknown, np.random.default_rng([seed, 6]))
    left_out = frozenset(card_id for name in absent for card_id in groups[name])
    printings = {card_id: frozenset(group) for group in groups.values() for card_id in group}
    subjects = [
        Subject(one.card_id, "", one.picture, printings[one.card_id], None, one.card_id not in left_out)
        for one in references
    ]
    return CardCollection(
        name="real",
        known=[one for one in subjects if one.in_gallery],
        unknown=[one for one in subjects if not one.in_gallery],
        manifests=[(path, galleries) for path in sorted(galleries.glob("*.csv"))],
    )


def _near_duplicates(references: Sequence[Reference]) -> dict[int, list[str]]:
    hashes = np.stack([phash(one.picture(), 256) for one in references])
    groups: dict[int, list[str]] = {}
    for group, one in zip(near_duplicate_groups(hashes, _GROUP_DISTANCE_MAX_BITS), references, strict=True):
        groups.setdefault(int(group), []).append(one.card_id)
    return groups
