"""The compact encoder: a small residual network for rectified cards.

It knows what a general image tower cannot: the picture is filled by one upright card. So the maps that the
vector is made of keep their grids (where something is on the card is half of what tells two cards apart),
and every picture is standardised by itself (which takes out white balance, haze and exposure before the
first weight is applied). Two maps are read: a coarse one of what the card shows, and a fine one of edges
and colours in place.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from app.inference.torchvision_compat import import_timm

COMPACT_MODEL_NAME = "binderlens_compact"
COMPACT_DIMENSION = 256
COMPACT_INPUT_PX = (144, 96)  # height, width: a photo of hard quality holds no more (docs/experiments.md)

_GRID = (6, 4)  # cells of the last feature map kept apart, rows by columns
_GRID_CHANNELS = 96
_FINE_BLOCKS = 2  # blocks before the fine map is read
_FINE_GRID = (12, 8)  # cells of it kept apart
_FINE_CHANNELS = 24
_STEM_CHANNELS = (32, 64)
_BLOCK_CHANNELS = ((64, 64), (64, 128), (128, 256), (256, 256))
_EXCITED_CHANNELS_MIN = 128  # blocks from here on weigh their channels; earlier maps are too large for it
_LOCAL_CELLS = (12, 8)  # places that have a mean and deviation of their own
_LOCAL_FLOOR = 0.1  # of the whole picture's deviation: sky and borders must not be blown up into noise
_SMALLEST_STD = 1.0 / 255.0  # one grey level: an even picture must not be blown up into noise


class Convolution(nn.Sequential):
    """A convolution with batch norm while it learns, or with that norm folded into its bias afterwards."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, *, folded: bool) -> None:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=folded)
        super().__init__(*([conv] if folded else [conv, nn.BatchNorm2d(outputs)]))


class Excitation(nn.Module):
    """Weighs channels by what the whole map holds (Hu et al. 2018), so that haze or blur can be answered.

    Args:
        channels: Of the map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Linear(channels, channels // 4)
        self.outer = nn.Linear(channels // 4, channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Maps (n, channels, h, w) to the same shape, each channel scaled by 0 to 1."""
        weights = torch.sigmoid(self.outer(functional.relu(self.inner(features.mean(dim=(2, 3))))))
        return features * weights[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al. 2016); halves the map where the channels grow."""

    def __init__(self, inputs: int, outputs: int, *, folded: bool) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.first = Convolution(inputs, outputs, 3, stride, folded=folded)
        self.second = Convolution(outputs, outputs, 3, 1, folded=folded)
        self.shortcut: nn.Module = (
            nn.Identity() if stride == 1 else Convolution(inputs, outputs, 1, stride, folded=folded)
        )
        self.excitation: nn.Module = (
            Excitation(outputs) if outputs >= _EXCITED_CHANNELS_MIN else nn.Identity()
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Maps (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        inner = functional.relu(self.first(features))
        return functional.relu(self.excitation(self.second(inner)) + self.shortcut(features))


class CompactTower(nn.Module):
    """The whole network.

    Args:
        dimension: Length of the output vectors.
        folded: Whether batch norms are folded away: True to serve, False to train
            (``models.training.folding`` converts).
    """

    def __init__(self, dimension: int = COMPACT_DIMENSION, *, folded: bool = True) -> None:
        super().__init__()
        self.num_classes = self.num_features = dimension
        stem_inner, stem_outer = _STEM_CHANNELS
        self.stem = nn.Sequential(
            Convolution(6, stem_inner, 3, 2, folded=folded),
            nn.ReLU(),
            Convolution(stem_inner, stem_outer, 3, 2, folded=folded),
            nn.ReLU(),
        )
        self.blocks = nn.Sequential(
            *(ResidualBlock(inputs, outputs, folded=folded) for inputs, outputs in _BLOCK_CHANNELS)
        )
        self.fine = Convolution(_BLOCK_CHANNELS[_FINE_BLOCKS - 1][1], _FINE_CHANNELS, 1, 1, folded=folded)
        self.squeeze = Convolution(_BLOCK_CHANNELS[-1][1], _GRID_CHANNELS, 1, 1, folded=folded)
        cells = math.prod(_GRID) * _GRID_CHANNELS + math.prod(_FINE_GRID) * _FINE_CHANNELS
        projection = nn.Linear(cells, dimension, bias=folded)
        # No affine: scale and shift before unit length would only let single directions dominate.
        norm = nn.Identity() if folded else nn.BatchNorm1d(dimension, affine=False)
        self.head = nn.Sequential(projection, norm)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Embeds cards.

        Args:
            pictures: float (n, 3, height, width), RGB in [0, 1]; made for 144 x 96,
                any multiples of 16 work.

        Returns:
            (n, dimension), not yet of unit length (open_clip's callers normalise).
        """
        # In fp32: a hazy picture fills few grey levels, and 8 bits of mantissa would rub them out.
        inputs = standardise(pictures.float()).to(next(self.parameters()).dtype)
        early = self.blocks[:_FINE_BLOCKS](self.stem(inputs))
        coarse = _cells(self.squeeze(self.blocks[_FINE_BLOCKS:](early)), _GRID)
        return cast(torch.Tensor, self.head(torch.cat([coarse, _cells(self.fine(early), _FINE_GRID)], dim=1)))


def _cells(maps: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """What a map (n, c, h, w) shows above zero in each cell of a grid, (n, c * rows * columns)."""
    return functional.adaptive_avg_pool2d(functional.relu(maps), grid).flatten(1)


def standardise(pictures: torch.Tensor) -> torch.Tensor:
    """Takes out what light does to a picture, as a whole and around every point.

    Args:
        pictures: float32 (n, 3, height, width).

    Returns:
        (n, 6, height, width): three channels with zero mean and unit deviation over the picture, and the same
        three with (nearly) zero mean and unit deviation around every point.
    """
    deviation, mean = torch.std_mean(pictures, dim=(2, 3), keepdim=True, correction=0)
    whole = (pictures - mean) / deviation.clamp_min(_SMALLEST_STD)
    local_mean = _around(whole)
    # Interpolation mixes places, and a mixture's mean square is never below the square of its mean.
    local_variance = (_around(whole.square()) - local_mean.square()).clamp_min(_LOCAL_FLOOR**2)
    return torch.cat([whole, (whole - local_mean) * local_variance.rsqrt()], dim=1)


def _around(values: torch.Tensor) -> torch.Tensor:
    """The mean of what lies around every point, (n, c, h, w) to the same shape."""
    cells = functional.adaptive_avg_pool2d(values, _LOCAL_CELLS)
    return functional.interpolate(cells, values.shape[2:], mode="bilinear", align_corners=False)


def register_towers() -> None:
    """Makes ``binderlens_compact`` known to timm; calling it again changes nothing."""
    models = import_timm().models  # loads every architecture of timm: only when asked
    if not models.is_model(COMPACT_MODEL_NAME):
        models.register_model(binderlens_compact)


def binderlens_compact(
    pretrained: bool = False, num_classes: int = COMPACT_DIMENSION, **unused: object
) -> CompactTower:
    """Builds the tower the way ``timm.create_model`` asks for it.

    Args:
        pretrained: Must be False: weights are loaded, checked, by the caller.
        num_classes: Length of the output vectors; open_clip passes its ``embed_dim``.
        unused: timm's other arguments; only a pooling other than the built-in grid is refused.

    Raises:
        ValueError: weights or a pooling this tower does not have.
    """
    if pretrained:
        raise ValueError(f"{COMPACT_MODEL_NAME} has no weights in timm; they lie in models/compact")
    if unused.get("global_pool"):
        raise ValueError(f"{COMPACT_MODEL_NAME} keeps its grid and cannot pool by {unused['global_pool']!r}")
    return CompactTower(num_classes)
