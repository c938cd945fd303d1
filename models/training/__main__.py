"""``python -m models.training``: draws the cards, trains, writes models/compact. Interrupted, it goes on."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer

from app.domain.errors import ConfigurationError
from app.inference.towers.compact import CompactTower
from models.training.batches import shrink
from models.training.cards import DrawnCards, drawn_cards
from models.training.config import TrainingConfig, read_config
from models.training.export import export
from models.training.folding import fold_batch_norms
from models.training.photos import training_photo
from models.training.run import Progress, TrainingRun
from models.training.runs_io import progress_bar
from models.training.spreading import spread
from models.training.validation import Validation

_HERE = Path(__file__).resolve().parent


def main(
    config_path: Annotated[Path, typer.Option("--config", help="every constant of the run")] = _HERE
    / "config.toml",
    out: Annotated[Path, typer.Option(help="encoder folder to write")] = _HERE.parent / "compact",
) -> None:
    """Trains the compact encoder on invented cards and writes it as an encoder folder."""
    try:
        config = read_config(config_path)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from None
    cv2.setNumThreads(1)
    torch.set_num_threads(config.threads)
    # What is only written into the manifest does not make another run.
    described = config.model_dump_json(exclude={"gallery_space"})
    folder = _HERE / "runs" / hashlib.sha256(described.encode()).hexdigest()[:12]
    cards, held_back = _cards(config)
    validation = Validation(held_back, config.held_back)
    run = TrainingRun(config, cards, validation, folder)
    with progress_bar() as bar:
        task = bar.add_task("training", total=config.steps, completed=run.step, loss=0.0, recall=0.0)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.step, loss=progress.loss)
            if progress.recall_at_1 is not None:
                bar.update(task, recall=100 * progress.recall_at_1)

        run.train(show)
    served = _finish(run.tower, cards, config)
    recall = validation.recall_at_1(served, config.stages[-1].size_px)
    manifest = export(served, out, config.gallery_space.whitening_exponent)
    sys.stdout.write(
        f"{out}: held-back recall {100 * recall:.1f} %, {manifest.weights.size_bytes / 1e6:.1f} MB, "
        f"sha256 {manifest.weights.sha256}\n"
    )


def _finish(trained: CompactTower, cards: DrawnCards, config: TrainingConfig) -> CompactTower:
    """Folds the batch norms and spreads the vectors, by cards of the training and new photos of them."""
    served = fold_batch_norms(trained)
    rng = np.random.default_rng(config.seed)
    count = min(config.spreading.cards, len(cards.pictures))
    chosen = [cards.pictures[index] for index in rng.choice(len(cards.pictures), count, replace=False)]
    last, views = config.stages[-1], config.views
    clean = np.stack([shrink(picture, last.size_px) for picture in chosen])
    strengths = rng.uniform(views.strength_min, views.strength_max, count)
    photographed = np.stack(
        [
            training_photo(picture, rng, float(strength), last.size_px, last.light)
            for picture, strength in zip(chosen, strengths, strict=True)
        ]
    )
    exponents = config.spreading.movement_exponent, config.spreading.distance_exponent
    spread(served, torch.from_numpy(clean), torch.from_numpy(photographed), *exponents)
    return served


def _cards(config: TrainingConfig) -> tuple[DrawnCards, DrawnCards]:
    """The cards to learn from and those held back."""
    cache, height_px, workers = _HERE / "cache", config.cards.height_px, config.workers
    learnt = drawn_cards(config.cards.seed, config.cards.artworks, height_px, cache, workers)
    held_back = drawn_cards(config.held_back.seed, config.held_back.artworks, height_px, cache, workers)
    return learnt, held_back


if __name__ == "__main__":
    typer.run(main)
