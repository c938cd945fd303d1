"""Post-training quantisation of a graph to int8 by NNCF, which is imported here and nowhere else.

Not at all for serving: the graph that comes out is run by OpenVINO alone.
"""

from __future__ import annotations

import importlib
import io
import logging
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import ConfigurationError
from app.inference.openvino_graph import import_openvino

if TYPE_CHECKING:
    import openvino

#: How far SmoothQuant moves the range of a channel that stands out from activations into weights. NNCF's own
#: 0.95 widens the weights of attention's output so much that most of the error came from there; 0.15 and 0.3
#: lost least (experiment 40).
SMOOTH_QUANT_ALPHA = 0.3


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


def quantise_graph(
    model: openvino.Model, samples: Iterable[NDArray[np.float32]], *, transformer: bool
) -> openvino.Model:
    """Quantises weights and activations to int8, all but the projection that ends the tower.

    Args:
        model: An image tower in fp32; float32 (n, height, width, 3) to (n, dimension). It is changed.
        samples: Inputs (1, height, width, 3) as serving makes them; all are used, several times over.
        transformer: Whether it is one: then what lies between the matrix products of attention stays in
            floating point, and ranges of channels that stand out are moved into the weights (SmoothQuant).

    Returns:
        The quantised model.

    Raises:
        ConfigurationError: the extra ``quantise`` is not installed.
    """
    nncf = import_nncf()
    kept = list(samples)
    advanced = nncf.AdvancedQuantizationParameters(
        smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=SMOOTH_QUANT_ALPHA)
    )
    # Its progress bars would mix with what a command prints.
    with redirect_stdout(sys.stderr if sys.stderr.isatty() else io.StringIO()):
        return nncf.quantize(
            model,
            nncf.Dataset(kept),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(kept),
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
            ignored_scope=nncf.IgnoredScope(names=_last_product(model)),
            advanced_parameters=advanced,
        )


def _last_product(model: openvino.Model) -> list[str]:
    """The matrix product that makes the embedding: its error is all the embedding's, its time is nothing."""
    products = [node for node in model.get_ordered_ops() if node.get_type_name() == "MatMul"]
    return [products[-1].get_friendly_name()] if products else []
