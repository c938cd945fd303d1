"""The card finder's training run: steps, schedule, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.utils.data import DataLoader

from models.training.batches import to_network
from models.training.device import choose_device, computes_bf16
from models.training.finder.batches import FinderBatch, FinderBatches
from models.training.finder.config import FinderConfig, FinderStage
from models.training.finder.loss import finder_loss
from models.training.finder.network import FinderNetwork
from models.training.optimisers import Optimisers
from models.training.runs_io import CHECKPOINT, append_history, save_checkpoint, use_one_thread


@dataclass(frozen=True)
class FinderProgress:
    """Where a run stands after a step.

    Attributes:
        step: Steps done.
        showing: Cross entropy of the cells.
        placing: Error of the corners as a share of their card's size.
        recall: Share of the held-back scenes' cards that are found; None on steps without a validation.
        seconds: Since this process began.
    """

    step: int
    showing: float
    placing: float
    recall: float | None
    seconds: float


class FinderRun:
    """One run of one config; all its state is the network, the optimisers, the step and how its stage began.

    Args:
        config: What to do.
        paths: Files of the scenes to learn from.
        validate: Says what share of held-back cards a network finds.
        folder: Checkpoint and history lie here; a checkpoint found here is gone on from.
    """

    def __init__(
        self,
        config: FinderConfig,
        paths: Sequence[Path],
        validate: Callable[[FinderNetwork], float],
        folder: Path,
    ) -> None:
        self._config = config
        self._paths = paths
        self._validate = validate
        self._folder = folder
        self._device = choose_device(config.device)
        self._computes_bf16 = computes_bf16(self._device)
        torch.manual_seed(config.seed)
        self.network = FinderNetwork().to(self._device)
        convert_conv2d_weight_memory_format(self.network, torch.channels_last)
        self._optimisers = Optimisers(self.network, config.weight_decay)
        self.step = 0
        self._began_with = self._weights()
        if (folder / CHECKPOINT).exists():
            self._resume()

    def train(self, listener: Callable[[FinderProgress], None], until_step: int | None = None) -> None:
        """Goes on to the end of the run, or to ``until_step``, and leaves a checkpoint."""
        self._folder.mkdir(parents=True, exist_ok=True)
        last = self._config.steps if until_step is None else min(until_step, self._config.steps)
        started, ends = time.monotonic(), self._config.ends()
        for batch, learning_rate in self._batches(last):
            showing, placing = self._learn(batch, learning_rate)
            self.step += 1
            if self.step in ends:
                self._end(ends[self.step])
            due = self.step % self._config.held_back.every_steps == 0 or self.step == last
            recall = self._validate(self.network) if due else None
            progress = FinderProgress(self.step, showing, placing, recall, time.monotonic() - started)
            if due:
                self._save()
                append_history(self._folder, asdict(progress))
            listener(progress)

    def _batches(self, last: int) -> Iterator[tuple[FinderBatch, float]]:
        """Batches from the present step on, stage by stage, each with its learning rate."""
        start = 0
        for stage in self._config.stages:
            steps = range(max(self.step, start), min(start + stage.steps, last))
            rates = [_learning_rate(stage, step - start) for step in steps]
            if steps:
                yield from zip(self._loader(stage, steps), rates, strict=True)
            start += stage.steps

    def _loader(self, stage: FinderStage, steps: range) -> DataLoader[FinderBatch]:
        return DataLoader(
            FinderBatches(self._paths, stage, self._config.seed),
            batch_size=None,
            sampler=steps,
            num_workers=self._config.workers,
            prefetch_factor=4 if self._config.workers else None,
            worker_init_fn=use_one_thread,
        )

    def _learn(self, batch: FinderBatch, learning_rate: float) -> tuple[float, float]:
        """One optimiser step; returns both losses."""
        pictures = to_network(batch.pictures.to(self._device))
        self.network.train()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._computes_bf16):
            answers = self.network(pictures)
        wanted = [part.to(self._device) for part in (batch.card, batch.weight, batch.corners, batch.size)]
        showing, placing = finder_loss(answers, *wanted)
        self._optimisers.step(showing + self._config.loss.placing_weight * placing, learning_rate)
        return showing.item(), placing.item()

    def _end(self, stage: FinderStage) -> None:
        """Ends a stage: averages the weights where it says so.

        After Izmailov et al. 2018, who then measure the statistics of batch norms anew; of two points so
        near to each other the mean of the statistics does (docs/experiments.md).
        """
        if stage.averaged:
            for name, value in self.network.state_dict().items():
                if value.is_floating_point():
                    value.copy_((value + self._began_with[name]) / 2)
        self._began_with = self._weights()

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    def _save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "began_with": self._began_with,
            "optimisers": self._optimisers.state_dict(),
            "step": self.step,
        }
        save_checkpoint(self._folder, state)

    def _resume(self) -> None:
        state = torch.load(self._folder / CHECKPOINT, map_location=self._device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self._began_with = state["began_with"]
        self._optimisers.load_state_dict(state["optimisers"])
        self.step = state["step"]


def _learning_rate(stage: FinderStage, step: int) -> float:
    """Linear warm-up, a steady rate, then a cosine down to zero at the stage's last step."""
    warm_up = min(1.0, (step + 1) / max(stage.warm_up_steps, 1))
    left = min(1.0, (stage.steps - step) / stage.decay_steps)
    return stage.learning_rate * warm_up * (1 - math.cos(math.pi * left)) / 2
