"""Muon, and its union with AdamW."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.training.muon import Muon, orthogonalised
from models.training.optimisers import Optimisers


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (24, 24)])
def test_every_singular_value_comes_near_one(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalised(matrix))
    assert values.min().item() > 0.6
    assert values.max().item() < 1.3


def test_singular_vectors_are_kept():
    u, _ = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)))
    v, _ = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(1)))
    skewed = u @ torch.diag(torch.linspace(1, 8, 8)) @ v.T
    turned = u.T @ orthogonalised(skewed) @ v
    assert (turned - torch.diag(turned.diag())).abs().max().item() < 1e-4


def test_muon_finds_the_bottom_of_a_bowl():
    weight = nn.Parameter(torch.ones(4, 6))
    goal = torch.arange(24.0).reshape(4, 6) / 24
    optimiser = Muon([weight], lr=0.05)
    for _ in range(200):
        optimiser.zero_grad()
        (weight - goal).square().sum().backward()
        optimiser.step()
    assert (weight - goal).abs().max().item() < 0.1


def test_both_optimisers_move_what_is_theirs_at_the_given_rate():
    torch.manual_seed(0)
    network = nn.Linear(4, 3)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    optimisers = Optimisers(network, weight_decay=0.0)
    optimisers.step(network(torch.ones(2, 4)).square().sum(), learning_rate=0.0)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    optimisers.step(network(torch.ones(2, 4)).square().sum(), learning_rate=0.01)
    assert not any(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
