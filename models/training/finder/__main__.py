"""``python -m models.training.finder``: draws scenes, trains, writes models/finder. It can be interrupted."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import cv2
import torch
import typer

from app.domain.errors import ConfigurationError
from app.inference.finder import FINDER_FOLDER
from models.training.config import read_toml
from models.training.finder.config import FinderConfig, Scenes
from models.training.finder.export import export_finder
from models.training.finder.run import FinderProgress, FinderRun
from models.training.finder.scenes import drawn_scenes
from models.training.finder.validation import FinderValidation
from models.training.runs_io import progress_bar

_HERE = Path(__file__).resolve().parent
_TRAINING = _HERE.parent


def main(
    config_path: Annotated[Path, typer.Option("--config", help="every constant of the run")] = _HERE
    / "config.toml",
    out: Annotated[Path, typer.Option(help="folder to write")] = FINDER_FOLDER,
) -> None:
    """Trains the card finder on invented scenes and writes the graph that the service loads."""
    try:
        config = read_toml(config_path, FinderConfig)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from None
    cv2.setNumThreads(1)
    torch.set_num_threads(config.threads)
    paths, held_back = (_scenes(part, config.workers) for part in (config.scenes, config.held_back))
    name = hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:12]
    validation = FinderValidation(held_back)
    run = FinderRun(config, paths, validation.recall, _TRAINING / "runs" / f"finder-{name}")
    with progress_bar() as bar:
        steps = config.steps
        task = bar.add_task("training", total=steps, completed=run.step, loss=0.0, recall=0.0)

        def show(progress: FinderProgress) -> None:
            bar.update(task, completed=progress.step, loss=progress.showing + progress.placing)
            if progress.recall is not None:
                bar.update(task, recall=100 * progress.recall)

        run.train(show)
    description = export_finder(run.network.cpu(), out)
    sys.stdout.write(
        f"{out}: held-back recall {100 * validation.recall(run.network):.1f} %, "
        f"{description.graph.weights.size_bytes / 1e6:.1f} MB, sha256 {description.graph.weights.sha256}\n"
    )


def _scenes(wanted: Scenes, workers: int) -> list[Path]:
    folder = _TRAINING / "cache" / f"scenes-{wanted.seed}-{wanted.artworks}"
    return drawn_scenes(wanted.seed, wanted.count, wanted.artworks, folder, workers)


if __name__ == "__main__":
    typer.run(main)
