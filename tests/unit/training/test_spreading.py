"""Spreading vectors over their directions after training."""

from __future__ import annotations

import pytest
import torch

from app.inference.towers.compact import CompactTower
from models.training.batches import to_network
from models.training.spreading import spread


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    coarse = torch.rand((80, 3, 8, 6), generator=torch.Generator().manual_seed(0))
    fine = torch.nn.functional.interpolate(coarse, (48, 32), mode="bilinear")
    return (fine * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def variances(tower: CompactTower, pictures: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return torch.linalg.eigvalsh(torch.cov(tower(to_network(pictures)).double().T)).clamp_min(0)


def test_variance_is_spread_as_the_exponent_says(pictures):
    torch.manual_seed(0)
    tower = CompactTower(16).eval()
    before = variances(tower, pictures)
    spread(tower, pictures, exponent=0.25)
    after = variances(tower, pictures)
    top = before[-8:] / before[-1]
    torch.testing.assert_close((after[-8:] / after[-1]), top.sqrt(), rtol=0.02, atol=0)


def test_vectors_are_centred(pictures):
    torch.manual_seed(0)
    tower = CompactTower(16).eval()
    spread(tower, pictures, exponent=0.3)
    with torch.inference_mode():
        vectors = tower(to_network(pictures))
    assert vectors.mean(dim=0).norm().item() < 1e-3 * vectors.norm(dim=1).mean().item()
