"""Weights of a graph as int8 by NNCF, which is imported here and nowhere else.

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

from app.domain.errors import ConfigurationError
from app.inference.openvino_graph import import_openvino

if TYPE_CHECKING:
    import openvino


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


def quantise_graph(model: openvino.Model) -> openvino.Model:
    """Weights of all matrix products to int8, each output channel by its own range.

    Args:
        model: A vision transformer in fp32. It is changed.

    Raises:
        ConfigurationError: the extra ``quantise`` is not installed.
    """
    nncf = import_nncf()
    # Its progress bars would mix with what a command prints.
    with redirect_stdout(sys.stderr if sys.stderr.isatty() else io.StringIO()):
        return nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)
