"""An image tower as an OpenVINO graph: written once by whoever exports, served without torch.

OpenVINO computes on processors alone here: its CPU plugin, with a thread pool of its own.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import EncoderFileMissing, EncoderInvalid
from app.domain.types import Vectors
from app.inference.files import sha256_of
from app.inference.graph_files import Graph, GraphFile
from app.inference.mapped_file import MappedFile
from app.inference.precision import ComputePrecision

if TYPE_CHECKING:
    import openvino
    from torch import nn

    from app.inference.manifest import Preprocessing

GRAPH_NAME, INT8_GRAPH_NAME = "visual.xml", "visual.int8.xml"


class InferRequest(Protocol):
    """One thread's place to compute in; its outputs are overwritten by its next call."""

    def infer(self, inputs: Mapping[int, NDArray[np.generic]]) -> Mapping[object, NDArray[np.float32]]:
        """Outputs for the inputs by number."""
        ...


class CompiledGraph(Protocol):
    """A graph that this processor can run; several requests may run at once."""

    def create_infer_request(self) -> InferRequest:
        """A request for one thread."""
        ...

    def release_memory(self) -> None:
        """Gives back what computing needed in between; refused while a request computes."""
        ...


#: Kernels kept by a graph for any size: those of some three sizes.
_KEPT_PRIMITIVES = 60

#: oneDNN keeps kernels of its own, of all graphs together: 1,024 by itself, those for some fifty sizes. It
#: reads this when it computes for the first time (https://uxlfoundation.github.io/oneDNN, "Primitive Cache"),
#: and so does torch's. With both limits 50 MB less once all sizes came; 1 ms more of ten where eight sizes
#: take turns (experiment 63).
_ONEDNN_LIMIT = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")

#: Neighbouring activations of one token that share a range when they are quantised, in an int8 graph. Of 32
#: to 256 the most was the fastest, and as exact (experiment 42).
INT8_GROUP_SIZE = 256

#: What an int8 graph leaves in floating point stays in fp32: its vectors are then those that were proved.
_PRECISION_HINTS: dict[ComputePrecision, str] = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}


def import_openvino() -> ModuleType:
    """``import openvino`` with a bound on what it keeps, and without telling its maker of every import.

    OpenVINO takes a missing ``openvino_telemetry`` for a wish not to be counted.
    """
    os.environ.setdefault(*_ONEDNN_LIMIT)
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # makes its import fail
    return importlib.import_module("openvino")


@functools.cache
def openvino_core() -> Any:  # noqa: ANN401 - OpenVINO has no types
    """The process's one ``openvino.Core``.

    Each gives the thread that makes it another stack for signals and takes it away when it ends. Where two
    end in the order in which they were made, the second brings back the stack of the first, which is gone:
    the next signal is a segmentation fault (OpenVINO 2026.4, seen by strace).
    """
    return import_openvino().Core()


class GraphTower:
    """A compiled graph: implements ``app.inference.encoder.Tower``.

    Args:
        folder: The encoder's folder.
        graph: Its files, as the manifest states them.
        precision: Number format to compute in.
        threads: Threads to compute with; 0 takes one a core.
        cache_dir: Where OpenVINO keeps what it worked out about the graph, for the next start, if anywhere.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: a file is not what the manifest states, or no graph of one input and one output.
    """

    def __init__(
        self,
        folder: Path,
        graph: Graph,
        precision: ComputePrecision,
        threads: int,
        cache_dir: Path | None = None,
    ) -> None:
        with MappedFile.made_within(folder / graph.weights.file) as self._weights:
            self._compiled = compile_graph(folder, graph, precision, threads, cache_dir=cache_dir)
        self._request = self._compiled.create_infer_request()
        self._sizes_seen: set[int] = set()

    def __call__(self, batch: NDArray[np.float32]) -> Vectors:
        """Maps float32 (n, height, width, 3) to float32 (n, dimension), not of unit length."""
        # The first batch of a size packs the weights, of which the mapped pages would be a second copy.
        is_first = len(batch) not in self._sizes_seen
        with self._weights.releasing_periodically() if is_first else contextlib.nullcontext():
            (output,) = self._request.infer({0: batch}).values()
        self._sizes_seen.add(len(batch))
        self._weights.release()
        vectors = np.array(output, dtype=np.float32)  # the request's own memory is overwritten by the next
        self._compiled.release_memory()
        return vectors


def compile_graph(
    folder: Path,
    graph: Graph,
    precision: ComputePrecision,
    threads: int,
    *,
    any_size: bool = False,
    cache_dir: Path | None = None,
) -> CompiledGraph:
    """Checks the files of a graph of one input and one output and prepares it for this processor.

    Args:
        folder: Where the files lie.
        graph: What they must be.
        precision: Number format to compute in.
        threads: Threads to compute with; 0 takes one a core.
        any_size: For pictures of many sizes: OpenVINO would keep what it prepares for each of them, for ever.
        cache_dir: Where the next start finds the graph as OpenVINO transformed it, a few megabytes without
            the weights: of ViT-L-14 in int8, 0.2 s of processor time in place of 2.4.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: a file is not what the manifest states, or no graph of one input and one output.
    """
    for file in (graph.model, graph.weights):
        _check(folder / file.file, file)
    options: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _PRECISION_HINTS[precision],
        "INFERENCE_NUM_THREADS": threads or usable_cores(),
    }
    if precision == "int8":
        options["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = INT8_GROUP_SIZE
    if any_size:
        options["CPU_RUNTIME_CACHE_CAPACITY"] = _KEPT_PRIMITIVES
    if cache_dir is not None:
        options |= {"CACHE_DIR": str(cache_dir), "CACHE_MODE": "OPTIMIZE_SIZE"}
    try:
        compiled = _compile(folder / graph.model.file, options)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise EncoderInvalid(f"{folder / graph.model.file} cannot be run by OpenVINO: {reason}") from error
    if len(compiled.inputs) != 1 or len(compiled.outputs) != 1:
        raise EncoderInvalid(f"{folder / graph.model.file} has not one input and one output")
    return cast(CompiledGraph, compiled)


def _compile(model: Path, options: dict[str, object]) -> Any:  # noqa: ANN401 - OpenVINO has no types
    """Compiles; a cache that cannot be read or written costs time and no service."""
    core = openvino_core()
    try:
        return core.compile_model(model, "CPU", options)
    except RuntimeError:
        if "CACHE_DIR" not in options:
            raise
    plain = {name: value for name, value in options.items() if not name.startswith("CACHE_")}
    return core.compile_model(model, "CPU", plain)


def usable_cores() -> int:
    """Cores this process may run on; where the system does not say (macOS), all there are."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def write_graph(tower: nn.Module, preprocessing: Preprocessing, folder: Path) -> Graph:
    """Converts a tower and writes it, weights as fp16.

    Args:
        tower: An image tower in fp32, to be fed (n, 3, height, width).
        preprocessing: Gives the input's size; the graph takes channels last and any number of pictures.
        folder: Where ``visual.xml`` and ``visual.bin`` go.
    """
    return save_graph(convert_tower(tower, preprocessing), folder / GRAPH_NAME)


def convert_tower(tower: nn.Module, preprocessing: Preprocessing) -> openvino.Model:
    """The tower as OpenVINO's model in memory: float32 (n, height, width, 3) to (n, dimension).

    Args:
        tower: An image tower in fp32, to be fed (n, 3, height, width).
        preprocessing: Gives the input's size.
    """
    import torch  # only who exports has a torch tower

    runtime = import_openvino()
    height, width = preprocessing.height_px, preprocessing.width_px
    example = torch.zeros(2, height, width, 3)
    any_number = {"batch": {0: torch.export.Dim("pictures")}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch and OpenVINO warn of their own insides
        with torch.inference_mode():
            program = torch.export.export(_channels_last(tower), (example,), dynamic_shapes=any_number)
        model = runtime.convert_model(program, input=[runtime.PartialShape([-1, height, width, 3])])
    return cast("openvino.Model", model)


def save_graph(model: openvino.Model, path: Path) -> Graph:
    """Writes ``path`` (an .xml) and the .bin of the same name; floating-point weights as fp16."""
    import_openvino().save_model(model, path, compress_to_fp16=True)
    return Graph(model=describe_file(path), weights=describe_file(path.with_suffix(".bin")))


def _channels_last(tower: nn.Module) -> nn.Module:
    import torch

    class ChannelsLast(torch.nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            # Handed in: a class that closes over a tower keeps it until its own cycle is collected.
            self.tower = inner

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            vectors: torch.Tensor = self.tower(batch.permute(0, 3, 1, 2))
            return vectors

    return ChannelsLast(tower).eval()


def describe_file(path: Path) -> GraphFile:
    """Name, hash and size of a file of a graph."""
    return GraphFile(file=path.name, sha256=sha256_of(path), size_bytes=path.stat().st_size)


def _check(path: Path, stated: GraphFile) -> None:
    if not path.is_file():
        raise EncoderFileMissing(
            f"{path} is missing; it comes with the repository, or `binderlens models export` writes it"
        )
    if path.stat().st_size != stated.size_bytes or sha256_of(path) != stated.sha256:
        raise EncoderInvalid(f"{path} is not the file that its description states")
