"""Channels are evened out for int8 without changing what a tower computes."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from app.inference.manifest import ModelConfig
from app.inference.smooth import smooth_channels
from app.inference.tower import build_image_tower
from tests.encoders import TINY, seeded_state

LARGE = [3, 17, 41]
BATCH = np.random.default_rng(5).normal(size=(4, 32, 32, 3)).astype(np.float32)


def tower_whose_channels_stand_out() -> nn.Module:
    state = seeded_state()
    for layer in range(2):
        block = f"transformer.resblocks.{layer}."
        for norm, product in (("ln_1", "attn.in_proj_weight"), ("ln_2", "mlp.c_fc.weight")):
            state[f"{block}{norm}.bias"] = 0.3 * torch.randn(
                64, generator=torch.Generator().manual_seed(layer)
            )
            for part in ("weight", "bias"):
                state[f"{block}{norm}.{part}"][LARGE] *= 50
            state[f"{block}{product}"][:, LARGE] /= 50
    tower = build_image_tower(ModelConfig.model_validate(TINY), device="cpu")
    tower.load_state_dict(state)
    return tower


def computed(tower: nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return tower(torch.from_numpy(BATCH).permute(0, 3, 1, 2))


def test_what_is_computed_stays_the_same() -> None:
    tower = tower_whose_channels_stand_out()
    before = computed(tower)
    smooth_channels(tower, [BATCH])
    assert torch.allclose(computed(tower), before, rtol=1e-4, atol=1e-5)


def test_neither_channels_nor_the_weights_that_read_them_stand_out_afterwards() -> None:
    tower = tower_whose_channels_stand_out()
    smooth_channels(tower, [BATCH])
    for block in tower.transformer.resblocks:
        for norm, weights in ((block.ln_1, block.attn.in_proj_weight), (block.ln_2, block.mlp.c_fc.weight)):
            for sizes in (norm.weight.abs(), weights.abs().amax(dim=0)):
                assert sizes.max() < 5 * sizes.median()


def test_channels_that_are_always_nought_or_never_read_do_no_harm() -> None:
    tower = tower_whose_channels_stand_out()
    block = tower.transformer.resblocks[0]
    block.attn.in_proj_weight.data[:, 5] = 0
    block.ln_2.weight.data[7] = block.ln_2.bias.data[7] = 0
    before = computed(tower)
    smooth_channels(tower, [BATCH])
    assert torch.allclose(computed(tower), before, rtol=1e-4, atol=1e-5)


def test_a_tower_with_blocks_of_another_kind_stays_as_it_is() -> None:
    tower = nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 3))
    before = {name: value.clone() for name, value in tower.state_dict().items()}
    smooth_channels(tower, [BATCH])
    assert all(torch.equal(value, before[name]) for name, value in tower.state_dict().items())
