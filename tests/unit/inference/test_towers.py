"""The compact tower: what open_clip gets when a model config names it."""

from __future__ import annotations

import pytest
import torch

from app.inference.manifest import ModelConfig
from app.inference.torchvision_compat import import_timm
from app.inference.tower import build_image_tower
from app.inference.towers.compact import (
    COMPACT_DIMENSION,
    COMPACT_INPUT_PX,
    COMPACT_MODEL_NAME,
    CompactTower,
    register_towers,
    standardise,
)

VISION_CONFIG = {
    "timm_model_name": COMPACT_MODEL_NAME,
    "timm_model_pretrained": False,
    "timm_pool": "",
    "timm_proj": "",
    "image_size": list(COMPACT_INPUT_PX),
}


def pictures(count: int = 2) -> torch.Tensor:
    return torch.rand((count, 3, *COMPACT_INPUT_PX), generator=torch.Generator().manual_seed(0))


def test_open_clip_builds_the_tower_from_a_model_config_and_it_gives_256_numbers_a_picture():
    tower = build_image_tower(ModelConfig(embed_dim=COMPACT_DIMENSION, vision_cfg=VISION_CONFIG), "cpu")
    with torch.inference_mode():
        assert tower(pictures(3)).shape == (3, 256)


def test_registering_twice_is_the_same_as_once():
    register_towers()
    register_towers()  # a second registration would make timm warn, and warnings are errors here
    assert import_timm().is_model(COMPACT_MODEL_NAME)


def test_the_dimension_follows_the_model_config():
    register_towers()
    assert import_timm().create_model(COMPACT_MODEL_NAME, num_classes=64)(pictures(1)).shape == (1, 64)


def test_asking_timm_for_weights_is_refused():
    register_towers()
    with pytest.raises(ValueError, match="models/compact"):
        import_timm().create_model(COMPACT_MODEL_NAME, pretrained=True)


def test_a_pooling_that_would_lose_the_grid_is_refused():
    register_towers()
    with pytest.raises(ValueError, match="avg"):
        import_timm().create_model(COMPACT_MODEL_NAME, global_pool="avg")


def test_the_tower_has_less_than_four_million_parameters():
    parameters = sum(parameter.numel() for parameter in CompactTower().parameters())
    assert 3.7e6 < parameters < 3.8e6


def test_the_lower_half_of_a_card_counts_apart_from_the_upper_half():
    torch.manual_seed(0)
    tower = CompactTower().eval()
    upper = torch.zeros((1, 3, *COMPACT_INPUT_PX))
    upper[:, :, :96] = pictures(1)[:, :, :96].round()
    with torch.inference_mode():
        change = (tower(upper) - tower(upper.flip(2))).norm() / tower(upper).norm()
    assert change.item() > 0.1


def test_white_balance_and_exposure_do_not_change_what_the_network_sees():
    picture = pictures()
    gains = torch.tensor([0.5, 0.8, 0.6]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(standardise(picture * gains + 0.1), standardise(picture), rtol=0, atol=1e-4)


def test_a_deep_shadow_changes_little_of_what_is_seen_around_its_points():
    picture = pictures()
    shadow = torch.ones_like(picture)
    shadow[:, :, 96:] = 0.3
    plain, shaded = standardise(picture)[:, 3:], standardise(picture * shadow)[:, 3:]
    plain, shaded = (values[:, :, 128:].flatten() for values in (plain, shaded))  # far from its edge
    assert torch.corrcoef(torch.stack([plain, shaded]))[0, 1] > 0.99
    assert 0.9 < (shaded.std() / plain.std()).item() < 1.1


def test_an_even_picture_stays_finite():
    tower = CompactTower().eval()
    with torch.inference_mode():
        assert torch.isfinite(tower(torch.full((1, 3, *COMPACT_INPUT_PX), 0.5))).all()


def test_bf16_agrees_with_fp32_even_on_a_hazy_picture():
    torch.manual_seed(0)
    tower = CompactTower().eval()
    hazy = 0.8 + 0.1 * pictures(1)
    with torch.inference_mode():
        exact = tower(hazy)
        rounded = tower.to(torch.bfloat16)(hazy).float()
    assert torch.cosine_similarity(exact, rounded).item() > 0.999
