"""The contrastive loss and its queue."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from models.training.loss import Embedded, empty_queue, info_nce, pair_loss, photos_loss


def unit(count: int, seed: int) -> torch.Tensor:
    return functional.normalize(torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


def pairs(artworks: list[int], seed: int = 0) -> Embedded:
    return Embedded(unit(len(artworks), seed), unit(len(artworks), seed + 1), torch.tensor(artworks))


def test_keys_that_all_look_alike_cost_the_logarithm_of_their_number():
    same = functional.normalize(torch.ones(4, 8), dim=1)
    loss = info_nce(same, same, torch.arange(4), torch.arange(4), 0.06)
    assert math.isclose(loss.item(), math.log(4), rel_tol=1e-5)


def test_right_keys_cost_less_than_wrong_ones():
    vectors, artworks = unit(6, 0), torch.arange(6)
    right = info_nce(vectors, vectors, artworks, artworks, 0.06)
    wrong = info_nce(vectors, vectors.roll(1, 0), artworks, artworks, 0.06)
    assert right < wrong


def test_a_reprint_in_the_batch_is_no_negative():
    vectors = unit(3, 0)
    twin = torch.cat([vectors, vectors[:1]])  # the fourth card shows the picture of the first
    with_reprint = info_nce(vectors, twin, torch.arange(3), torch.tensor([0, 1, 2, 0]), 0.06)
    without = info_nce(vectors, vectors, torch.arange(3), torch.arange(3), 0.06)
    torch.testing.assert_close(with_reprint, without)


def test_the_same_card_in_the_queue_is_no_negative():
    assert pair_loss(pairs([1]), pairs([1, 1, 1], seed=5), 0.06).item() == 0.0


def test_other_cards_in_the_queue_are_negatives():
    batch, queue = pairs([1, 2]), pairs([3, 4], seed=5)
    assert pair_loss(batch, queue, 0.06) > pair_loss(batch, empty_queue(8), 0.06)


def test_the_queue_keeps_the_newest_pairs_and_no_gradients():
    new, old = pairs([1, 2]), pairs([3, 4, 5], seed=5)
    new.clean.requires_grad_()
    queue = new.with_older(old).newest(4)
    assert queue.artworks.tolist() == [1, 2, 3, 4]
    assert not queue.clean.requires_grad


def test_several_photos_of_a_card_cost_the_mean_of_their_pairs():
    clean, first, second, artworks = unit(5, 0), unit(5, 1), unit(5, 2), torch.arange(5)
    queue = pairs([7, 8], seed=9)
    single = [pair_loss(Embedded(clean, photos, artworks), queue, 0.06) for photos in (first, second)]
    together = photos_loss(clean, [first, second], artworks, queue, 0.06)
    torch.testing.assert_close(together, (single[0] + single[1]) / 2)
