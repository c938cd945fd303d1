"""Spreading vectors over their directions after training."""

from __future__ import annotations

import pytest
import torch

from app.inference.towers.compact import CompactTower
from models.training.batches import to_network
from models.training.spreading import spread


@pytest.fixture(scope="module")
def clean() -> torch.Tensor:
    coarse = torch.rand((80, 3, 8, 6), generator=torch.Generator().manual_seed(0))
    fine = torch.nn.functional.interpolate(coarse, (48, 32), mode="bilinear")
    return (fine * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


@pytest.fixture(scope="module")
def photographed(clean) -> torch.Tensor:
    """The upper part of each card lies in shadow, of a depth of its own."""
    depth = torch.rand((80, 1, 1, 1), generator=torch.Generator().manual_seed(1))
    dark = clean.float()
    dark[:, :20] *= depth
    return dark.to(torch.uint8)


def vectors(tower: CompactTower, pictures: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return tower(to_network(pictures)).double()


def movements(tower: CompactTower, clean: torch.Tensor, photographed: torch.Tensor) -> torch.Tensor:
    moved = vectors(tower, photographed) - vectors(tower, clean)
    return torch.linalg.eigvalsh(moved.T @ moved).clamp_min(0)


def test_movement_is_evened_out_as_the_exponent_says(clean, photographed):
    torch.manual_seed(0)
    tower = CompactTower(16).eval()
    before = movements(tower, clean, photographed)
    spread(tower, clean, photographed, movement_exponent=0.25, distance_exponent=0.0)
    after = movements(tower, clean, photographed)
    top = before[-4:] / before[-1]
    torch.testing.assert_close((after[-4:] / after[-1]), top.sqrt(), rtol=0.02, atol=0)


def test_distances_of_clean_cards_are_evened_out_as_the_exponent_says(clean, photographed):
    def variances() -> torch.Tensor:
        return torch.linalg.eigvalsh(torch.cov(vectors(tower, clean).T)).clamp_min(0)

    torch.manual_seed(0)
    tower = CompactTower(16).eval()
    before = variances()
    spread(tower, clean, photographed, movement_exponent=0.0, distance_exponent=0.25)
    after = variances()
    top = before[-8:] / before[-1]
    torch.testing.assert_close((after[-8:] / after[-1]), top.sqrt(), rtol=0.02, atol=0)


def test_vectors_are_centred(clean, photographed):
    torch.manual_seed(0)
    tower = CompactTower(16).eval()
    spread(tower, clean, photographed, movement_exponent=0.2, distance_exponent=0.2)
    spread_vectors = vectors(tower, clean)
    assert spread_vectors.mean(dim=0).norm().item() < 1e-3 * spread_vectors.norm(dim=1).mean().item()
