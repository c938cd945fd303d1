"""A whole run on tiny pictures: it learns, it can be interrupted, and what it writes can be served."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.inference.loading import load_encoder
from app.inference.towers.compact import CompactTower
from models.training.cards import DrawnCards, drawn_cards
from models.training.config import HarshLight, TrainingConfig
from models.training.export import export
from models.training.folding import fold_batch_norms
from models.training.run import Progress, TrainingRun
from models.training.validation import Validation

LIGHT = {"share": 0.1, "glare_chance": 0.6, "glare_length": (0.15, 0.9), "glare_breadth": (0.03, 0.25)}
CONFIG = TrainingConfig.model_validate(
    {
        "seed": 3,
        "device": "cpu",
        "threads": 1,
        "workers": 0,
        "cards": {"seed": 1, "artworks": 40, "height_px": 88},
        "held_back": {
            "seed": 2,
            "artworks": 12,
            "queries": 12,
            "strength": 0.0,
            "every_steps": 10,
            "light": LIGHT | {"share": 0.0},
        },
        "views": {"strength_min": 0.0, "strength_max": 0.2},
        "loss": {"temperature": 0.06, "queue": 16},
        "optimiser": {"learning_rate": 2e-3, "warm_up_steps": 2, "decay_steps": 20, "weight_decay": 0.02},
        "spreading": {"cards": 257, "movement_exponent": 0.2, "distance_exponent": 0.2},
        "gallery_space": {"whitening_exponent": 0.2},
        "stages": [
            {"size_px": [32, 32], "batch": 16, "family_size": 4, "photos": 2, "views": 320, "light": LIGHT},
            {"size_px": [48, 32], "batch": 16, "family_size": 4, "photos": 1, "views": 160, "light": LIGHT},
        ],
    }
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On pictures this small threads only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(CONFIG.threads)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def cards(tmp_path_factory) -> tuple[DrawnCards, DrawnCards]:
    folder = tmp_path_factory.mktemp("cache")
    return drawn_cards(1, 40, 88, folder, workers=0), drawn_cards(2, 12, 88, folder, workers=0)


def new_run(cards: tuple[DrawnCards, DrawnCards], folder) -> TrainingRun:
    return TrainingRun(CONFIG, cards[0], Validation(cards[1], CONFIG.held_back), folder)


@pytest.fixture(scope="module")
def whole_run(cards, tmp_path_factory) -> tuple[TrainingRun, list[Progress]]:
    run, seen = new_run(cards, tmp_path_factory.mktemp("whole")), []
    run.train(seen.append)
    return run, seen


def test_twenty_steps_lower_the_loss(whole_run):
    _, seen = whole_run
    assert [progress.step for progress in seen] == list(range(1, 21))
    losses = [progress.loss for progress in seen]
    assert np.mean(losses[15:]) < 0.8 * np.mean(losses[:5])


def test_a_longer_first_stage_changes_nothing_before_the_decay(cards, tmp_path):
    first, *others = CONFIG.stages
    longer = (first.model_copy(update={"views": 2 * first.views}), *others)
    late_decay = CONFIG.optimiser.model_copy(update={"decay_steps": 5})
    weights = []
    for number, stages in enumerate((CONFIG.stages, longer)):
        config = CONFIG.model_copy(update={"stages": stages, "optimiser": late_decay})
        run = TrainingRun(config, cards[0], Validation(cards[1], config.held_back), tmp_path / str(number))
        run.train(lambda progress: None, until_step=6)
        weights.append(run.tower.head[0].weight)
    assert torch.equal(*weights)


def test_the_held_back_recall_is_measured_when_it_is_due(whole_run):
    _, seen = whole_run
    assert [progress.step for progress in seen if progress.recall_at_1 is not None] == [10, 20]
    assert seen[-1].recall_at_1 > 3 / 12  # chance is 1 in 12 or a little more


def test_a_run_interrupted_within_and_between_stages_ends_with_the_same_weights(cards, whole_run, tmp_path):
    for interrupted_at in (7, 10, None):
        run = new_run(cards, tmp_path)
        run.train(lambda progress: None, until_step=interrupted_at)
    assert run.step == 20
    expected = whole_run[0].tower.state_dict()
    for name, value in run.tower.state_dict().items():
        torch.testing.assert_close(value, expected[name], msg=name)


def test_folding_batch_norms_changes_no_vector(whole_run):
    trained = whole_run[0].tower.eval()
    pictures = torch.rand((4, 3, 48, 32), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(
            fold_batch_norms(trained)(pictures), trained(pictures), rtol=1e-3, atol=1e-3
        )


def test_an_exported_encoder_is_loaded_by_the_service(whole_run, tmp_path):
    manifest = export(fold_batch_norms(whole_run[0].tower), tmp_path, 0.2)
    encoder = load_encoder(tmp_path, precision="fp32")
    assert encoder.info.dimension == manifest.dimension == 256


def test_a_fresh_network_knows_nothing(cards):
    torch.manual_seed(0)
    untrained = CompactTower(folded=False)
    hard = CONFIG.held_back.model_copy(
        update={"strength": 1.0, "light": HarshLight(**LIGHT | {"share": 1.0})}
    )
    assert Validation(cards[1], hard).recall_at_1(untrained, (48, 32)) < 0.9
