"""A tower's graph with weights as int8 by NNCF, which is imported here and nowhere else.

Activations are quantised by OpenVINO as it computes, each stretch of each token by its own range
(``app.inference.openvino_graph.INT8_GROUP_SIZE``): ranges fixed beforehand, on whatever pictures, lost one
first card in fourteen of a trained ViT-L-14 (experiment 42). NNCF is not needed for serving.
"""

from __future__ import annotations

import importlib
import io
import logging
import sys
from contextlib import redirect_stdout
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import ConfigurationError
from app.domain.types import RECTIFIED_HEIGHT_PX
from app.inference.encoder import BATCH_SIZES
from app.inference.openvino_graph import convert_tower, import_openvino
from app.inference.preprocessing import preprocess
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue

if TYPE_CHECKING:
    import openvino
    from torch import nn

    from app.inference.manifest import Preprocessing

#: Cards on which the size of channels is measured: invented, so that no card of a proof is among them.
MEASURED_CARDS_SEED, MEASURED_CARDS = 40817, 16


def import_nncf() -> ModuleType:
    """``import nncf``, without the package by which it would tell its maker of every call.

    Raises:
        ConfigurationError: the extra ``quantise`` is not installed.
    """
    import_openvino()  # keeps openvino_telemetry out, which NNCF takes for a wish not to be counted
    try:
        nncf = importlib.import_module("nncf")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"quantising needs NNCF ({error.name} is missing): install the extra `quantise`, "
            'as in pip install "binderlens[quantise]"'
        ) from None
    nncf.set_log_level(logging.ERROR)
    return nncf


def quantise_tower(tower: nn.Module, preprocessing: Preprocessing) -> openvino.Model:
    """Its graph, weights of all matrix products in int8, each output channel by its own range.

    Args:
        tower: A vision transformer in fp32. Its channels are evened out in place (``smooth_channels``).
        preprocessing: What it is fed with.

    Raises:
        ConfigurationError: the extra ``quantise`` is not installed.
    """
    from app.inference.smooth import smooth_channels  # loads torch

    nncf = import_nncf()
    smooth_channels(tower, _measured_batches(preprocessing))
    model = convert_tower(tower, preprocessing)
    # Its progress bars would mix with what a command prints.
    with redirect_stdout(sys.stderr if sys.stderr.isatty() else io.StringIO()):
        return nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)


def _measured_batches(preprocessing: Preprocessing) -> list[NDArray[np.float32]]:
    cards = invent_catalogue(MEASURED_CARDS_SEED, MEASURED_CARDS)[:MEASURED_CARDS]
    pictures = [draw_card(card, RECTIFIED_HEIGHT_PX) for card in cards]
    size = BATCH_SIZES[0]
    return [
        preprocess(pictures[start : start + size], preprocessing) for start in range(0, len(pictures), size)
    ]
