"""What a run of the card finder is made of, read from one TOML file and checked before anything is drawn."""

from __future__ import annotations

from itertools import accumulate
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from models.training.device import DeviceWish


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scenes(_Section):
    """Invented scenes to draw: their seed, how many, and how many artworks lie on them."""

    seed: int = Field(ge=0)
    count: int = Field(ge=1)
    artworks: int = Field(ge=20)


class HeldBackScenes(Scenes):
    """Scenes for the validation, and after how many steps it is due."""

    every_steps: int = Field(ge=1)


class FinderStage(_Section):
    """Part of a run: what its views are, and how it learns from them.

    Attributes:
        size_px: Side of a square view.
        batch: Views of a step.
        a_scene: How many of them show the same scene.
        tilt: Perspective added to a view; see ``view_of``.
        steps: Of the stage; its learning rate rises, holds, and falls to zero at its end.
        learning_rate: Of Muon and AdamW.
        warm_up_steps: Over which it rises.
        decay_steps: Over which it falls.
        averaged: Whether the stage ends at the mean of the weights that it began with and those it came to.
    """

    size_px: int = Field(ge=64, le=1024, multiple_of=32)
    batch: int = Field(ge=1)
    a_scene: int = Field(ge=1)
    tilt: float = Field(ge=0, le=0.3)
    steps: int = Field(ge=1)
    learning_rate: PositiveFloat
    warm_up_steps: int = Field(ge=0)
    decay_steps: int = Field(ge=1)
    averaged: bool = False


class FinderLoss(_Section):
    """How much the corners' errors count beside the cells' cross entropy."""

    placing_weight: PositiveFloat


class FinderConfig(_Section):
    """The whole file."""

    seed: int = Field(ge=0)
    device: DeviceWish
    threads: int = Field(ge=1, le=256)
    workers: int = Field(ge=0, le=64)
    scenes: Scenes
    held_back: HeldBackScenes
    loss: FinderLoss
    weight_decay: float = Field(ge=0)
    stages: tuple[FinderStage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _held_back_is_held_back(self) -> Self:
        if self.held_back.seed == self.scenes.seed:
            raise ValueError("held_back.seed must differ from scenes.seed: the validation shares no card")
        return self

    @model_validator(mode="after")
    def _has_something_to_average(self) -> Self:
        if self.stages[0].averaged:
            raise ValueError("the first stage cannot be averaged: it begins with random weights")
        return self

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return sum(stage.steps for stage in self.stages)

    def ends(self) -> dict[int, FinderStage]:
        """The stages by the step after which each is over."""
        return dict(zip(accumulate(stage.steps for stage in self.stages), self.stages, strict=True))
