"""Reference pictures of the gallery in dictionaries, with their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.domain.types import StoredImage
from tests.fakes.gallery import InMemoryGallery


@dataclass
class InMemoryReferences:
    """Numbers the pictures of a gallery in the order in which they are asked for."""

    gallery: InMemoryGallery
    features: dict[tuple[str, str], bytes] = field(default_factory=dict)
    learnt: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def _numbered(self) -> list[tuple[int, tuple[str, str], StoredImage]]:
        found = []
        for card_id, images in self.gallery.images.items():
            for sha256, image in images.items():
                number = self._numbers.setdefault((card_id, sha256), len(self._numbers) + 1)
                found.append((number, (card_id, sha256), image))
        return sorted(found, key=lambda one: one[0])

    async def count_without_features(self) -> int:
        return sum(key not in self.features for _, key, _ in self._numbered())

    async def without_features(self, after: int, limit: int) -> list[tuple[int, StoredImage]]:
        missing = [
            (number, image)
            for number, key, image in self._numbered()
            if number > after and key not in self.features
        ]
        return missing[:limit]

    async def put_features(self, batch: Sequence[tuple[int, bytes]]) -> None:
        key_of = {number: key for number, key, _ in self._numbered()}
        self.features.update({key_of[number]: data for number, data in batch if number in key_of})

    async def features_of(self, card_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        found: dict[str, tuple[bytes, ...]] = {}
        for _, key, _ in self._numbered():
            if key[0] in card_ids and key in self.features:
                found[key[0]] = (*found.get(key[0], ()), self.features[key])
        return found

    async def learnt_features_of(self, card_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        return {card_id: self.learnt[card_id] for card_id in card_ids if card_id in self.learnt}

    async def pictures_of(self, card_ids: Sequence[str]) -> dict[str, StoredImage]:
        return {
            card_id: next(iter(images.values()))
            for card_id, images in self.gallery.images.items()
            if card_id in card_ids and images
        }
