"""A whole run of the card finder on small views: it learns, can be interrupted, and its graph serves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from app.domain.errors import EncoderInvalid
from app.domain.types import CARD_ASPECT
from app.inference.finder import FinderGraph
from app.vision.detect.second_look import CARD_HEIGHT_PX, CORNER_SIGNS
from models.training.batches import to_network
from models.training.config import read_toml
from models.training.finder import augment
from models.training.finder.augment import view_of
from models.training.finder.batches import FinderBatches
from models.training.finder.config import FinderConfig
from models.training.finder.export import export_finder
from models.training.finder.network import FinderNetwork
from models.training.finder.run import FinderProgress, FinderRun
from models.training.finder.scenes import drawn_scenes, read_scene
from models.training.finder.validation import FinderValidation

STAGE = {
    "size_px": 96,
    "batch": 4,
    "a_scene": 2,
    "tilt": 0.0,
    "steps": 15,
    "learning_rate": 6e-3,
    "warm_up_steps": 2,
    "decay_steps": 10,
}
CONFIG = FinderConfig.model_validate(
    {
        "seed": 3,
        "device": "cpu",
        "threads": 1,
        "workers": 0,
        "scenes": {"seed": 1, "count": 3, "artworks": 20},
        "held_back": {"seed": 2, "count": 1, "artworks": 20, "every_steps": 10},
        "loss": {"placing_weight": 2.0},
        "weight_decay": 0.02,
        "stages": [STAGE, STAGE | {"steps": 5, "tilt": 0.1, "averaged": True}],
    }
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On pictures this small threads only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[Path]:
    return drawn_scenes(1, 3, 20, tmp_path_factory.mktemp("scenes"), workers=0)


def trained(paths: list[Path], folder: Path, *stops: int) -> tuple[FinderNetwork, list[FinderProgress]]:
    """The network of a run that is begun anew after each stop, and all that it told."""
    told: list[FinderProgress] = []
    for stop in (*stops, None):
        run = FinderRun(CONFIG, paths, lambda _: 0.5, folder)
        run.train(told.append, stop)
    return run.network, told


def test_a_run_learns_and_tells_of_every_step(paths, tmp_path) -> None:
    _, told = trained(paths, tmp_path)
    assert [progress.step for progress in told] == list(range(1, 21))
    assert np.mean([one.placing for one in told[-5:]]) < np.mean([one.placing for one in told[:5]])
    assert [one.step for one in told if one.recall is not None] == [10, 20]


def test_a_run_interrupted_ends_as_one_that_was_not(paths, tmp_path) -> None:
    whole, _ = trained(paths, tmp_path / "whole")
    parted, told = trained(paths, tmp_path / "parted", 10, 17)
    assert [progress.step for progress in told] == list(range(1, 21))
    for one, other in zip(whole.state_dict().values(), parted.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_an_averaged_stage_ends_halfway_between_where_it_began_and_where_it_came_to(paths, tmp_path) -> None:
    plain = CONFIG.model_copy(
        update={"stages": (CONFIG.stages[0], CONFIG.stages[1].model_copy(update={"averaged": False}))}
    )
    began, ended, averaged = (
        FinderRun(config, paths, lambda _: 0.5, tmp_path / name)
        for config, name in ((plain, "began"), (plain, "ended"), (CONFIG, "averaged"))
    )
    began.train(lambda _: None, 15)
    ended.train(lambda _: None)
    averaged.train(lambda _: None)
    for name, value in averaged.network.state_dict().items():
        one, other = began.network.state_dict()[name], ended.network.state_dict()[name]
        if value.is_floating_point():
            assert torch.allclose(value, (one + other) / 2, atol=1e-6)
            assert name.endswith("running_mean") or not torch.equal(one, other)


def test_the_exported_graph_answers_as_the_network_does_at_any_size(paths, tmp_path) -> None:
    network, _ = trained(paths, tmp_path / "run")
    export_finder(network, tmp_path / "finder")
    finder = FinderGraph(tmp_path / "finder", threads=1)
    network.eval()
    for size in ((96, 128), (160, 64)):
        picture = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
        with torch.inference_mode():
            expected = network(to_network(torch.from_numpy(picture[None])))[0].numpy()
        assert finder(picture).shape == (9, size[0] // 8, size[1] // 8)
        assert np.abs(finder(picture) - expected).max() < 0.05  # weights are kept in fp16


def test_a_graph_that_answers_otherwise_than_described_is_refused(paths, tmp_path) -> None:
    torch.manual_seed(1)
    export_finder(FinderNetwork(), tmp_path)
    path = tmp_path / "finder.json"
    text = path.read_text()
    start = text.index('"means"')
    first = text[start:].split("\n")[1].strip().rstrip(",")
    path.write_text(text.replace(first, str(float(first) + 1.0)))
    with pytest.raises(EncoderInvalid, match="golden picture"):
        FinderGraph(tmp_path, threads=1)


def test_a_batch_depends_on_seed_and_step_alone(paths) -> None:
    one, same, other = (FinderBatches(paths, CONFIG.stages[0], 3)[step] for step in (5, 5, 6))
    assert torch.equal(one.pictures, same.pictures)
    assert torch.equal(one.corners, same.corners)
    assert not torch.equal(one.pictures, other.pictures)


def test_a_view_shows_the_cards_where_its_quads_say(paths) -> None:
    scene = read_scene(paths[0])
    marked = scene.image * 0
    for number, quad in enumerate(scene.quads, 1):
        cv2.fillPoly(marked, [np.round(quad).astype(np.int32)], (0, 20 * number, 255))
    cards, ground = [], []
    for seed in range(6):
        view, quads = view_of(
            type(scene)(marked, scene.quads, scene.visible), 128, np.random.default_rng(seed)
        )
        inside = np.zeros(view.shape[:2], np.uint8)
        for quad in quads:
            cv2.fillPoly(inside, [np.round(quad).astype(np.int32)], 1)
        kernel = np.ones((5, 5), np.uint8)
        cards.append(view[..., 2][cv2.erode(inside, kernel) == 1])
        ground.append(view[..., 2][cv2.dilate(inside, kernel) == 0])
    assert np.median(np.concatenate(cards)) > np.median(np.concatenate(ground)) + 60


def nearest_to_upright(scene, size_px: int, seed: int) -> tuple[float, float]:
    """How far the corners of some card lie from those of an upright one, and its height, in a close view."""
    _, quads = view_of(scene, size_px, np.random.default_rng(seed))
    upright = size_px / 2 + CORNER_SIGNS * np.array([CARD_ASPECT * CARD_HEIGHT_PX, CARD_HEIGHT_PX]) / 2
    far = [np.abs(np.roll(quad, turn, axis=0) - upright).max() for quad in quads for turn in (0, 2)]
    best = int(np.argmin(far)) // 2
    return min(far), float(np.linalg.norm(quads[best][3] - quads[best][0]))


def test_some_views_show_one_card_upright_in_the_middle_as_a_second_look_does(paths, monkeypatch) -> None:
    scene = next(one for one in map(read_scene, paths) if len(one.quads))
    monkeypatch.setattr(augment, "_CLOSER", 1.0)
    monkeypatch.setattr(augment, "_ASTRAY", 0.0)
    monkeypatch.setattr(augment, "_ANSWER_ERROR", 0.0)
    for size_px in (256, 320):
        views = [nearest_to_upright(scene, size_px, seed) for seed in range(20)]
        assert max(off for off, _ in views) < 0.12 * CARD_HEIGHT_PX  # but for a little more or less of zoom
        assert abs(np.median([height for _, height in views]) - CARD_HEIGHT_PX) < 0.05 * CARD_HEIGHT_PX
    monkeypatch.setattr(augment, "_ASTRAY", 1.0)
    astray = [nearest_to_upright(scene, 320, seed)[0] for seed in range(20)]
    assert np.median(astray) > 0.12 * CARD_HEIGHT_PX


def test_no_card_of_a_view_reaches_behind_its_horizon(paths, monkeypatch) -> None:
    monkeypatch.setattr(augment, "_ANSWER_ERROR", 0.15)
    for path in paths:
        scene = read_scene(path)
        for seed in range(60):
            _, quads = view_of(scene, 256, np.random.default_rng(seed), tilt=0.3)
            for quad in quads:  # one that does is turned inside out, or reaches far
                assert cv2.isContourConvex(quad.astype(np.float32))


def test_the_first_stage_cannot_be_averaged() -> None:
    with pytest.raises(ValueError, match="first stage"):
        FinderConfig.model_validate(CONFIG.model_dump() | {"stages": [STAGE | {"averaged": True}]})


def test_scenes_are_drawn_once_and_the_same_each_time(paths, tmp_path) -> None:
    again = drawn_scenes(1, 3, 20, tmp_path, workers=0)
    assert all(
        np.array_equal(read_scene(a).image, read_scene(b).image) for a, b in zip(paths, again, strict=True)
    )
    before = [path.stat().st_mtime_ns for path in again]
    drawn_scenes(1, 3, 20, tmp_path, workers=0)
    assert [path.stat().st_mtime_ns for path in again] == before


def test_an_untrained_network_finds_no_card(paths) -> None:
    assert FinderValidation(paths[:1]).recall(FinderNetwork()) == 0.0


def test_the_committed_config_can_be_read() -> None:
    config = read_toml(Path("models/training/finder/config.toml"), FinderConfig)
    assert config.scenes.seed != config.held_back.seed
