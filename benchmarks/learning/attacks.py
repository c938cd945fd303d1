"""Corrections as people send them: right ones, and wrong ones of four kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

ATTACKS = ("none", "random", "lookalike", "swap", "one")


@dataclass(frozen=True, slots=True)
class Seen:
    """A detection of a stored scan: the card it truly shows, and what the gallery found most like it."""

    detection_id: UUID
    card_id: str
    answered: str | None
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One correction: which detection, which card, whether that is right, and whose key."""

    detection_id: UUID
    card_id: str
    is_right: bool
    person: str | None


def corrections(
    seen: Sequence[Seen],
    card_ids: Sequence[str],
    attack: str,
    wrong_share: float,
    persons: int,
    rng: np.random.Generator,
) -> list[Said]:
    """What is said about detections, in a random order.

    Args:
        seen: The detections that are corrected.
        card_ids: The whole gallery.
        attack: How the wrong ones are wrong; see ``ATTACKS``.
        wrong_share: How many of them are.
        persons: How many keys take turns.
        rng: Decides which are wrong.
    """
    wrong = set()
    if attack != "none":
        wrong = set(rng.choice(len(seen), round(wrong_share * len(seen)), replace=False).tolist())
    swapped = _partners([seen[index].card_id for index in sorted(wrong)])
    scapegoat = str(rng.choice(card_ids))
    said = []
    for place, index in enumerate(rng.permutation(len(seen)).tolist()):
        one = seen[index]
        named = one.card_id
        if index in wrong:
            named = _wrong_card(one, attack, card_ids, swapped, scapegoat, rng)
        person = f"person-{place % persons}"
        said.append(Said(one.detection_id, named, named == one.card_id, person))
    return said


def _wrong_card(
    one: Seen,
    attack: str,
    card_ids: Sequence[str],
    swapped: Mapping[str, str],
    scapegoat: str,
    rng: np.random.Generator,
) -> str:
    others = [card_id for card_id in one.candidates if card_id != one.card_id]
    if attack == "lookalike" and others:
        return others[0]
    if attack == "swap":
        return swapped[one.card_id]
    if attack == "one":
        return scapegoat
    return str(rng.choice([card_id for card_id in card_ids if card_id != one.card_id]))


def _partners(card_ids: Sequence[str]) -> dict[str, str]:
    """Each card and the next one name each other."""
    pairs: dict[str, str] = {}
    for place, card_id in enumerate(card_ids):
        other = place ^ 1 if (place ^ 1) < len(card_ids) else place - 1
        pairs[card_id] = card_ids[other] if len(card_ids) > 1 else card_id
    return pairs
