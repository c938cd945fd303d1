"""InfoNCE between clean cards and their photographed views, with earlier batches as further negatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Embedded:
    """Pairs of unit vectors (n, dimension), clean and photographed, with the artwork each pair shows (n,)."""

    clean: torch.Tensor
    photographed: torch.Tensor
    artworks: torch.Tensor

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.artworks)

    def with_older(self, older: Embedded) -> Embedded:
        """These pairs followed by older ones."""
        return Embedded(
            torch.cat([self.clean, older.clean]),
            torch.cat([self.photographed, older.photographed]),
            torch.cat([self.artworks, older.artworks]),
        )

    def newest(self, count: int) -> Embedded:
        """The first ``count`` pairs, cut off from the graph that made them."""
        return Embedded(
            self.clean[:count].detach(), self.photographed[:count].detach(), self.artworks[:count]
        )


def empty_queue(dimension: int, device: torch.device | None = None) -> Embedded:
    """A queue that holds nothing yet; on the CPU if no device is given."""
    nothing = torch.empty(0, dimension, device=device)
    return Embedded(nothing, nothing, torch.empty(0, dtype=torch.int64, device=device))


def info_nce(
    queries: torch.Tensor,
    keys: torch.Tensor,
    query_artworks: torch.Tensor,
    key_artworks: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """How badly each query picks its own key (van den Oord et al. 2018); key ``i`` belongs to query ``i``.

    Other keys of the same artwork (reprints, parallel foils, the same card in the queue) are neither right
    nor wrong: they are left out.

    Args:
        queries: Unit vectors (n, dimension).
        keys: Unit vectors (m, dimension), m >= n.
        query_artworks: int64 (n,).
        key_artworks: int64 (m,).
        temperature: Divides the cosines.

    Returns:
        The mean loss, a scalar.
    """
    logits = queries @ keys.T / temperature
    own = torch.arange(len(queries), device=queries.device)
    siblings = query_artworks[:, None] == key_artworks[None, :]
    siblings[own, own] = False
    return functional.cross_entropy(logits.masked_fill(siblings, float("-inf")), own)


def pair_loss(batch: Embedded, queue: Embedded, temperature: float) -> torch.Tensor:
    """InfoNCE in both directions: photo to clean cards and clean card to photos, queue included."""
    known = batch.with_older(queue)
    from_photo = info_nce(batch.photographed, known.clean, batch.artworks, known.artworks, temperature)
    from_clean = info_nce(batch.clean, known.photographed, batch.artworks, known.artworks, temperature)
    return (from_photo + from_clean) / 2


def photos_loss(
    clean: torch.Tensor,
    photographed: Sequence[torch.Tensor],
    artworks: torch.Tensor,
    queue: Embedded,
    temperature: float,
) -> torch.Tensor:
    """The mean pair loss of several photos of each card, all against the one clean picture of it.

    Args:
        clean: Unit vectors (n, dimension).
        photographed: For each round of photos unit vectors (n, dimension), in the order of ``clean``.
        artworks: int64 (n,).
        queue: Earlier pairs, as further negatives.
        temperature: Divides the cosines.
    """
    losses = [pair_loss(Embedded(clean, photos, artworks), queue, temperature) for photos in photographed]
    return torch.stack(losses).mean()
