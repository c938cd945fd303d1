"""What every training run does alike: its progress bar, its checkpoint and its history on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import cv2
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

CHECKPOINT = "checkpoint.pt"
_HISTORY = "history.jsonl"


def progress_bar() -> Progress:
    """A bar whose tasks have the fields ``loss`` and ``recall`` (in per cent)."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}  held-back recall {task.fields[recall]:.1f} %"),
        TimeRemainingColumn(),
    )


def save_checkpoint(folder: Path, state: Mapping[str, object]) -> None:
    """Writes a run's state in one go: a run killed meanwhile keeps the one before."""
    unfinished = folder / f"{CHECKPOINT}.unfinished"
    torch.save(dict(state), unfinished)
    unfinished.rename(folder / CHECKPOINT)


def append_history(folder: Path, values: Mapping[str, object]) -> None:
    """Adds one line to a run's history."""
    with (folder / _HISTORY).open("a", encoding="utf-8") as history:
        history.write(json.dumps(dict(values)) + "\n")


def use_one_thread(_worker: int) -> None:
    """For processes that make batches beside the network: more threads would only wait for one another."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
