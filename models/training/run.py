"""The training run: steps, schedule, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch.nn import functional
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.utils.data import DataLoader

from app.inference.towers.compact import COMPACT_DIMENSION, CompactTower
from models.training.batches import Batch, Batches, to_network
from models.training.cards import DrawnCards
from models.training.config import Stage, TrainingConfig
from models.training.device import choose_device, computes_bf16
from models.training.loss import Embedded, empty_queue, photos_loss
from models.training.optimisers import Optimisers
from models.training.runs_io import CHECKPOINT, append_history, save_checkpoint, use_one_thread
from models.training.validation import Validation


@dataclass(frozen=True)
class Progress:
    """Where a run stands after a step; ``recall_at_1`` is None on steps without a validation."""

    step: int
    loss: float
    recall_at_1: float | None
    seconds: float


class Listener(Protocol):
    """Told of every step."""

    def __call__(self, progress: Progress) -> None:
        """Called after each step."""
        ...


class TrainingRun:
    """One run of one config; all its state is the network, the optimisers, the queue and the step.

    Args:
        config: What to do.
        cards: What to learn from.
        validation: Asked every ``held_back.every_steps`` steps, and at the end.
        folder: Checkpoint and history lie here; a checkpoint found here is gone on from.
    """

    def __init__(
        self, config: TrainingConfig, cards: DrawnCards, validation: Validation, folder: Path
    ) -> None:
        self._config = config
        self._cards = cards
        self._validation = validation
        self._folder = folder
        self._device = choose_device(config.device)
        self._computes_bf16 = computes_bf16(self._device)
        torch.manual_seed(config.seed)
        self.tower = CompactTower(COMPACT_DIMENSION, folded=False).to(self._device)
        convert_conv2d_weight_memory_format(self.tower, torch.channels_last)
        self._optimisers = Optimisers(self.tower, config.optimiser.weight_decay)
        self._queue = empty_queue(COMPACT_DIMENSION, self._device)
        self.step = 0
        if (folder / CHECKPOINT).exists():
            self._resume()

    def train(self, listener: Listener, until_step: int | None = None) -> None:
        """Goes on to the end of the run, or to ``until_step``, and leaves a checkpoint."""
        self._folder.mkdir(parents=True, exist_ok=True)
        last = self._config.steps if until_step is None else min(until_step, self._config.steps)
        started = time.monotonic()
        for batch in self._batches(last):
            loss = self._learn(batch)
            self.step += 1
            due = self.step % self._config.held_back.every_steps == 0 or self.step == last
            recall = self._validate() if due else None
            progress = Progress(self.step, loss, recall, time.monotonic() - started)
            if due:
                self._save()
                self._note(progress)
            listener(progress)

    def _batches(self, last: int) -> Iterator[Batch]:
        """Batches from the present step on, stage by stage, made ahead by worker processes."""
        start = 0
        for stage in self._config.stages:
            first, end = max(self.step, start), min(start + stage.steps, last)
            if first == start:
                # Vectors of another size would mislead.
                self._queue = empty_queue(COMPACT_DIMENSION, self._device)
            if first < end:
                yield from self._loader(stage, range(first, end))
            start += stage.steps

    def _loader(self, stage: Stage, steps: range) -> DataLoader[Batch]:
        return DataLoader(
            Batches(self._cards, stage, self._config.views, self._config.seed),
            batch_size=None,
            sampler=steps,
            num_workers=self._config.workers,
            prefetch_factor=4 if self._config.workers else None,
            worker_init_fn=use_one_thread,
        )

    def _learn(self, batch: Batch) -> float:
        """One optimiser step; returns the loss."""
        pictures = to_network(torch.cat([batch.clean, batch.photographed]).to(self._device))
        artworks = batch.artworks.to(self._device)
        self.tower.train()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._computes_bf16):
            vectors = self.tower(pictures)
        clean, *photographed = torch.split(functional.normalize(vectors.float(), dim=1), len(artworks))
        loss = photos_loss(clean, photographed, artworks, self._queue, self._config.loss.temperature)
        self._optimisers.step(loss, self._learning_rate())
        first = Embedded(clean, photographed[0], artworks)
        self._queue = first.with_older(self._queue).newest(self._config.loss.queue)
        return loss.item()

    def _learning_rate(self) -> float:
        """Linear warm-up, a steady rate, then a cosine down to zero at the last step.

        Until the decay begins the rate does not depend on how long the run will be: a first stage can be
        made longer while it goes on, and the run is still the one that its config describes.
        """
        optimiser = self._config.optimiser
        warm_up = min(1.0, (self.step + 1) / (optimiser.warm_up_steps + 1))
        left = min(1.0, (self._config.steps - self.step) / optimiser.decay_steps)
        cosine = (1 - math.cos(math.pi * left)) / 2
        return optimiser.learning_rate * warm_up * cosine

    def _validate(self) -> float:
        stage = self._config.stage_at(self.step - 1)
        return self._validation.recall_at_1(self.tower, stage.size_px)

    def _save(self) -> None:
        state = {
            "tower": self.tower.state_dict(),
            "optimisers": self._optimisers.state_dict(),
            "queue": [self._queue.clean, self._queue.photographed, self._queue.artworks],
            "step": self.step,
        }
        save_checkpoint(self._folder, state)

    def _resume(self) -> None:
        state = torch.load(self._folder / CHECKPOINT, map_location=self._device, weights_only=True)
        self.tower.load_state_dict(state["tower"])
        self._optimisers.load_state_dict(state["optimisers"])
        self._queue = Embedded(*state["queue"])
        self.step = state["step"]

    def _note(self, progress: Progress) -> None:
        append_history(self._folder, asdict(progress))
