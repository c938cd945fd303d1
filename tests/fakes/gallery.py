"""A gallery in dictionaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from app.domain.errors import GalleryEmpty
from app.domain.gallery_types import (
    NOTHING_COMPARED,
    CardUpdate,
    GalleryStatus,
    PictureComparison,
    PictureToCompare,
    ReferenceTemplates,
    SetCoverage,
    StoredReference,
)
from app.domain.types import Card, CardFilter, StoredImage, TemplateHit, TemplateSource, Vectors
from tests.fakes.engine import ENCODER_INFO


@dataclass(frozen=True)
class _Template:
    card_id: str
    source_sha256: str
    source: TemplateSource
    vector: Vectors


@dataclass
class InMemoryGallery:
    """Cards with their templates; cards whose first reference is the same file share a picture."""

    cards: dict[str, Card] = field(default_factory=dict)
    images: dict[str, dict[str, StoredImage]] = field(default_factory=dict)
    templates: list[_Template] = field(default_factory=list)
    groups: dict[str, int] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)
    compared: dict[str, float] = field(default_factory=dict)
    same: set[tuple[str, str]] = field(default_factory=set)
    confusions: dict[str, dict[str, int]] = field(default_factory=dict)
    corrections: dict[str, int] = field(default_factory=dict)

    async def search(
        self, vectors: Vectors, top_k: int, card_filter: CardFilter, *, learnt: bool = True
    ) -> list[TemplateHit]:
        hits: list[TemplateHit] = []
        kept = [
            one
            for one in self.templates
            if _passes(self.cards[one.card_id], card_filter)
            and (learnt or one.source is not TemplateSource.CORRECTION)
        ]
        for query_index, vector in enumerate(vectors):
            scored = sorted(((float(vector @ one.vector), one) for one in kept), key=lambda pair: -pair[0])
            hits.extend(
                TemplateHit(query_index, self.cards[one.card_id], self.groups[one.card_id], score, one.source)
                for score, one in scored[:top_k]
            )
        return hits

    async def check(self) -> None:
        if not self.templates:
            raise GalleryEmpty("the gallery has no templates of this encoder")

    async def known_references(self, card_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        return {
            card_id: dict(Counter(one.source_sha256 for one in self.templates if one.card_id == card_id))
            for card_id in card_ids
            if card_id in self.cards
        }

    async def put_cards(self, batch: Sequence[CardUpdate]) -> None:
        for update in batch:
            card_id = update.card.card_id
            if update.references or set(self.images.get(card_id, {})) - set(update.keep_sha256):
                self._forget_comparisons(card_id)
            self.cards[card_id] = update.card
            kept = {
                sha: image for sha, image in self.images.get(card_id, {}).items() if sha in update.keep_sha256
            }
            self.images[card_id] = kept | {one.source_sha256: one.image for one in update.references}
            replaced = {one.source_sha256 for one in update.references}
            self.templates = [
                one
                for one in self.templates
                if one.card_id != card_id
                or one.source is TemplateSource.CORRECTION
                or (one.source_sha256 in kept and one.source_sha256 not in replaced)
            ]
            self.templates.extend(
                _Template(card_id, reference.source_sha256, source, vector)
                for reference in update.references
                for vector, source in zip(reference.vectors, reference.sources, strict=True)
            )
            self.groups.setdefault(card_id, len(self.groups) + 1)

    async def count_references_to_embed(self, templates: int) -> int:
        return len(self._references_to_embed(templates))

    async def references_to_embed(
        self, templates: int, after: tuple[str, str], limit: int
    ) -> list[StoredReference]:
        found = [one for one in self._references_to_embed(templates) if one[:2] > after]
        return [StoredReference(*one) for one in found[:limit]]

    def _references_to_embed(self, templates: int) -> list[tuple[str, str, StoredImage]]:
        counts = Counter((one.card_id, one.source_sha256) for one in self.templates)
        stored = [(card_id, *pair) for card_id, images in self.images.items() for pair in images.items()]
        return sorted((one for one in stored if counts[one[:2]] < templates), key=lambda one: one[:2])

    async def put_templates(self, batch: Sequence[tuple[str, ReferenceTemplates]]) -> None:
        for card_id, _ in batch:
            self._forget_comparisons(card_id)
        replaced = {(card_id, reference.source_sha256) for card_id, reference in batch}
        self.templates = [one for one in self.templates if (one.card_id, one.source_sha256) not in replaced]
        self.templates.extend(
            _Template(card_id, reference.source_sha256, source, vector)
            for card_id, reference in batch
            if reference.source_sha256 in self.images.get(card_id, {})
            for vector, source in zip(reference.vectors, reference.sources, strict=True)
        )

    async def remove_cards(self, card_ids: Sequence[str]) -> int:
        known = [card_id for card_id in card_ids if self.cards.pop(card_id, None) is not None]
        for card_id in known:
            self.images.pop(card_id, None)
            self.groups.pop(card_id, None)
            self._forget_comparisons(card_id)
        self.templates = [one for one in self.templates if one.card_id not in known]
        return len(known)

    async def fit_space(self) -> bool:
        return False

    async def build_index(self) -> None:
        return None

    async def pictures_to_compare(self) -> tuple[list[PictureToCompare], Vectors]:
        official = {one.card_id: one.vector for one in reversed(self.templates) if one.source == "official"}
        if official.keys() <= self.compared.keys():
            official = {}
        cards = [
            PictureToCompare(one, self.cards[one].game, self.changes[one], self.compared.get(one))
            for one in sorted(official)
        ]
        vectors = [official[card.card_id] for card in cards]
        return cards, np.array(vectors, np.float32).reshape(len(cards), ENCODER_INFO.dimension)

    async def refresh_artwork_groups(self, comparison: PictureComparison = NOTHING_COMPARED) -> int:
        as_seen = {one for one, change in comparison.templates.items() if self.changes.get(one) == change}
        self.same |= {pair for pair in comparison.same if as_seen.issuperset(pair)}
        self.compared |= {one: value for one, value in comparison.asked_from.items() if one in as_seen}
        by_picture: dict[str, int] = {}
        for card_id, images in self.images.items():
            first = next(iter(images), card_id)
            self.groups[card_id] = by_picture.setdefault(first, len(by_picture) + 1)
        for first, second in sorted(self.same):
            self.groups[second] = self.groups[first]
        return len(set(self.groups.values()))

    def _forget_comparisons(self, card_id: str) -> None:
        self.changes[card_id] += 1
        self.compared.pop(card_id, None)
        self.same = {pair for pair in self.same if card_id not in pair}

    async def status(self) -> GalleryStatus:
        with_templates = {one.card_id for one in self.templates}
        sets = Counter((card.game, card.set_id) for card in self.cards.values())
        covered = Counter((self.cards[one].game, self.cards[one].set_id) for one in with_templates)
        return GalleryStatus(
            cards=len(self.cards),
            cards_with_templates=len(with_templates),
            artwork_groups=len(set(self.groups.values())),
            reference_images=sum(len(images) for images in self.images.values()),
            templates=len(self.templates),
            templates_by_source=Counter(one.source.value for one in self.templates),
            encoder_fingerprint=ENCODER_INFO.fingerprint,
            fingerprint=ENCODER_INFO.fingerprint,
            space_cards=None,
            other_galleries=(),
            index_state="none",
            sets=tuple(
                SetCoverage(game, set_id, count, covered[game, set_id])
                for (game, set_id), count in sets.items()
            ),
        )

    async def find_cards(self, query: str | None, set_id: str | None, limit: int) -> list[Card]:
        words = (query or "").lower().split()
        found = [
            card
            for card in self.cards.values()
            if (set_id is None or card.set_id == set_id)
            and all(word in f"{card.name} {card.set_name} {card.number}".lower() for word in words)
        ]
        return found[:limit]

    async def get_card(self, card_id: str) -> Card | None:
        return self.cards.get(card_id)

    async def confusions_of(self, card_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        return {card_id: self.confusions[card_id] for card_id in card_ids if card_id in self.confusions}

    async def corrections_of(self, card_ids: Sequence[str]) -> dict[str, int]:
        return {card_id: self.corrections[card_id] for card_id in card_ids if card_id in self.corrections}

    async def artwork_groups_of(self, card_ids: Sequence[str]) -> dict[str, int]:
        return {card_id: self.groups[card_id] for card_id in card_ids if card_id in self.cards}

    async def group_members(
        self, artwork_group_ids: Sequence[int], card_filter: CardFilter
    ) -> dict[int, list[str]]:
        return {
            group_id: sorted(
                card_id
                for card_id, group in self.groups.items()
                if group == group_id and _passes(self.cards[card_id], card_filter)
            )
            for group_id in artwork_group_ids
        }

    async def card_image(self, card_id: str) -> StoredImage | None:
        return next(iter(self.images.get(card_id, {}).values()), None)


def _passes(card: Card, card_filter: CardFilter) -> bool:
    return (
        card_filter.game in (None, card.game)
        and card_filter.language in (None, card.language)
        and (not card_filter.set_ids or card.set_id in card_filter.set_ids)
    )
