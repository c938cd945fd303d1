"""The card finder's network: from a picture to one answer a cell, is there a card and where are its corners.

Every cell that shows a card answers for it, as in EAST (Zhou et al. 2017) and FCOS (Tian et al. 2019): a card
which is half covered or half in glare is found by the cells that see it, and one picture teaches hundreds of
answers. The body is a small U-Net (Ronneberger et al. 2015) from 1/4 to 1/32 of the picture and back to 1/8.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

CORNERS = 4
CHANNELS = 1 + 2 * CORNERS
_WIDTHS = (32, 64, 128, 192)
_MERGED = 64
_RARE_LOGIT = -1.0  # most cells show no card: the first answers should say so


class ConvBlock(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = ConvBlock(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Maps (n, width, h, w) to the same shape."""
        return functional.relu(features + self.second(self.first(features)))


class FinderNetwork(nn.Module):
    """The whole network."""

    def __init__(self) -> None:
        super().__init__()
        quarter, eighth, sixteenth, last = _WIDTHS
        self.stem = nn.Sequential(ConvBlock(3, 16, 2), ConvBlock(16, quarter, 2), ConvBlock(quarter, quarter))
        self.down = nn.ModuleList(
            [
                nn.Sequential(ConvBlock(quarter, eighth, 2), Residual(eighth)),
                nn.Sequential(ConvBlock(eighth, sixteenth, 2), Residual(sixteenth), Residual(sixteenth)),
                nn.Sequential(ConvBlock(sixteenth, last, 2), Residual(last), Residual(last), Residual(last)),
            ]
        )
        self.across = nn.ModuleList([nn.Conv2d(width, _MERGED, 1) for width in _WIDTHS[1:]])
        self.up = nn.ModuleList([ConvBlock(_MERGED, _MERGED) for _ in _WIDTHS[1:-1]])
        self.head = nn.Sequential(ConvBlock(_MERGED, _MERGED), nn.Conv2d(_MERGED, CHANNELS, 1))
        bias = cast(nn.Conv2d, self.head[-1]).bias
        assert bias is not None
        with torch.no_grad():
            bias.zero_()
            bias[0] = _RARE_LOGIT

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Looks at pictures.

        Args:
            pictures: float (n, 3, height, width), RGB in [0, 1], sides multiples of 32.

        Returns:
            (n, ``CHANNELS``, height / 8, width / 8): the logit that a cell shows a card, then x and y of that
            card's four corners, clockwise, from the cell's middle, in units of ``UNIT_PX``.
        """
        features = [self.stem(pictures * 4.0 - 2.0)]
        for stage in self.down:
            features.append(stage(features[-1]))
        merged = self.across[-1](features[-1])
        for level in range(len(self.up) - 1, -1, -1):
            larger = functional.interpolate(merged, scale_factor=2.0, mode="nearest")
            merged = self.up[level](larger + self.across[level](features[level + 1]))
        return cast(torch.Tensor, self.head(merged))
