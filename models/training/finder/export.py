"""Writes what a run learnt as the graph that the service loads: ``models/finder``."""

from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path

import numpy as np
import torch

from app.inference.finder import FINDER_DESCRIPTION, GOLDEN_SIZE_PX, FinderDescription, FinderGolden
from app.inference.graph_files import Graph
from app.inference.manifest import golden_picture
from app.inference.openvino_graph import describe_file, import_openvino
from models.training.batches import to_network
from models.training.finder.network import FinderNetwork

_GRAPH_NAME = "finder.xml"
_SEED = "binderlens finder 1"
_MOST_CELLS = 64  # of 32 pixels: the largest side of a picture that the graph is promised


class _FromBytes(torch.nn.Module):
    """The network behind a picture as it lies in memory, so that no float copy of it is made outside."""

    def __init__(self, network: FinderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = self.network(picture.permute(0, 3, 1, 2).float() / 255.0)
        return answers


def export_finder(network: FinderNetwork, folder: Path) -> FinderDescription:
    """Writes graph and weights (fp16), and ``finder.json``.

    Args:
        network: On the CPU; it is not changed.
        folder: Made where it is missing; files of the same names are replaced.

    Returns:
        The description as written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    served = copy.deepcopy(network).eval()
    openvino = import_openvino()
    rows, columns = (torch.export.Dim(name, min=1, max=_MOST_CELLS) for name in ("rows", "columns"))
    example = torch.zeros(1, *GOLDEN_SIZE_PX, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore", FutureWarning)  # torch and OpenVINO warn of their own insides
        program = torch.export.export(
            _FromBytes(served).eval(), (example,), dynamic_shapes={"picture": {1: 32 * rows, 2: 32 * columns}}
        )
        model = openvino.convert_model(program, input=[openvino.PartialShape([1, -1, -1, 3])])
    openvino.save_model(model, folder / _GRAPH_NAME, compress_to_fp16=True)
    weights = (folder / _GRAPH_NAME).with_suffix(".bin")
    description = FinderDescription(
        graph=Graph(model=describe_file(folder / _GRAPH_NAME), weights=describe_file(weights)),
        licence="Apache-2.0",
        source="trained from nothing by models/training/finder on invented scenes",
        golden=FinderGolden(seed=_SEED, means=_golden_means(served)),
    )
    text = json.dumps(description.model_dump(mode="json"), indent=2) + "\n"
    (folder / FINDER_DESCRIPTION).write_text(text, encoding="utf-8")
    return description


def _golden_means(network: FinderNetwork) -> tuple[float, ...]:
    height_px, width_px = GOLDEN_SIZE_PX
    picture = np.ascontiguousarray(golden_picture(_SEED)[:height_px, :width_px])
    with torch.inference_mode():
        answers = network(to_network(torch.from_numpy(picture[None])))
    return tuple(round(float(value), 4) for value in answers[0].mean(dim=(1, 2)))
