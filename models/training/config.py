"""What a training run is made of, read from one TOML file and checked before anything is drawn."""

from __future__ import annotations

import tomllib
from itertools import accumulate
from pathlib import Path
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, model_validator

from app.domain.errors import ConfigurationError
from app.synthesis.levels import MAX_STRENGTH
from models.training.device import DeviceWish


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cards(_Section):
    """Invented cards to draw: seed of the catalogue, how many artworks, height of a drawn card."""

    seed: int = Field(ge=0)
    artworks: int = Field(ge=1)
    height_px: int = Field(ge=64, le=1056)


class HarshLight(_Section):
    """Light harsher than the synthesis draws: how often it falls on a card, and its broad patches of glare.

    Attributes:
        share: Of the photos.
        glare_chance: How often harsh light includes one to three patches of glare.
        glare_length: Half the longer axis of a patch, in card heights, from and to.
        glare_breadth: Half the shorter axis, likewise.
    """

    share: float = Field(ge=0, le=1)
    glare_chance: float = Field(ge=0, le=1)
    glare_length: tuple[PositiveFloat, PositiveFloat]
    glare_breadth: tuple[PositiveFloat, PositiveFloat]


class HeldBack(_Section):
    """The validation: its own catalogue, how many cards are asked for, how bad the photos are, and when."""

    seed: int = Field(ge=0)
    artworks: int = Field(ge=1)
    queries: int = Field(ge=1)
    strength: float = Field(ge=0, le=MAX_STRENGTH)
    every_steps: int = Field(ge=1)
    light: HarshLight


class Views(_Section):
    """Each view draws its strength evenly between two bounds."""

    strength_min: float = Field(ge=0, le=MAX_STRENGTH)
    strength_max: float = Field(ge=0, le=MAX_STRENGTH)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.strength_min > self.strength_max:
            raise ValueError("strength_min must not exceed strength_max")
        return self


class Loss(_Section):
    """InfoNCE: its temperature, and how many earlier pairs serve as further negatives."""

    temperature: float = Field(gt=0, le=1)
    queue: int = Field(ge=0)


class Optimiser(_Section):
    """Muon and AdamW: a linear warm-up, a steady rate, and a cosine down to zero over the last steps."""

    learning_rate: float = Field(gt=0, le=1)
    warm_up_steps: int = Field(ge=0)
    decay_steps: int = Field(ge=1)
    weight_decay: float = Field(ge=0, le=1)


class Spreading(_Section):
    """How many cards and photos of them say what to even out after training, and how far (0 not at all)."""

    cards: int = Field(gt=256)
    movement_exponent: float = Field(ge=0, le=0.5)
    distance_exponent: float = Field(ge=0, le=0.5)


class GallerySpace(_Section):
    """How far large galleries of the encoder even out how their own cards lie apart (0 not at all)."""

    whitening_exponent: float = Field(ge=0, le=0.5)


class Stage(_Section):
    """Part of the run at one picture size.

    Attributes:
        size_px: Height and width of the pictures.
        batch: Cards of a step.
        family_size: How many of them share a frame family.
        photos: Photos of each card in a step; they share one clean picture, which saves embedding it again.
        views: Photos of the whole stage.
        light: What falls on some of the cards before their photo is taken.
    """

    size_px: tuple[int, int]
    batch: int = Field(ge=2)
    family_size: int = Field(ge=1)
    photos: int = Field(ge=1, le=8)
    views: int = Field(ge=1)
    light: HarshLight

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.batch % self.family_size:
            raise ValueError(f"batch {self.batch} is no multiple of family_size {self.family_size}")
        if any(side < 32 or side % 16 for side in self.size_px):
            raise ValueError(f"size_px {self.size_px}: both sides must be multiples of 16, 32 at least")
        return self

    @property
    def steps(self) -> int:
        """Optimiser steps of this stage, at least one."""
        return max(1, self.views // (self.batch * self.photos))


class TrainingConfig(_Section):
    """The whole file."""

    seed: int = Field(ge=0)
    device: DeviceWish
    threads: int = Field(ge=1, le=256)
    workers: int = Field(ge=0, le=64)
    cards: Cards
    held_back: HeldBack
    views: Views
    loss: Loss
    optimiser: Optimiser
    spreading: Spreading
    gallery_space: GallerySpace
    stages: tuple[Stage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _held_back_is_held_back(self) -> Self:
        if self.held_back.seed == self.cards.seed:
            raise ValueError("held_back.seed must differ from cards.seed: the validation shares no artwork")
        return self

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> Stage:
        """The stage that a step, counted from zero over the whole run, belongs to."""
        ends = accumulate(stage.steps for stage in self.stages)
        return next(stage for stage, end in zip(self.stages, ends, strict=True) if step < end)


Config = TypeVar("Config", bound=BaseModel)


def read_config(path: Path) -> TrainingConfig:
    """Reads and checks the config file of the encoder.

    Raises:
        ConfigurationError: the file cannot be read, or a value in it makes no sense.
    """
    return read_toml(path, TrainingConfig)


def read_toml(path: Path, model: type[Config]) -> Config:
    """Reads a TOML file that must say exactly what a model asks for.

    Raises:
        ConfigurationError: the file cannot be read, or a value in it makes no sense.
    """
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: {place}: {first['msg']}") from error
