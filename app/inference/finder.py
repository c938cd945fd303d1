"""The card finder as an OpenVINO graph: implements ``app.services.reading.CardFinder``."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.domain.errors import EncoderInvalid
from app.domain.types import RgbImage
from app.inference.graph_files import Graph, StrictModel
from app.inference.manifest import golden_picture, read_json_model
from app.inference.openvino_graph import compile_graph
from app.settings import PROJECT_ROOT

FINDER_FOLDER = PROJECT_ROOT / "models" / "finder"
FINDER_DESCRIPTION = "finder.json"
#: The golden picture is cut to this height and width, multiples of 32.
GOLDEN_SIZE_PX = (256, 192)
#: Of its mean answers: room for another order of sums, far below what other weights would give.
_GOLDEN_TOLERANCE = 0.05


class FinderGolden(StrictModel):
    """A picture that anyone can draw again, and the finder's mean answer to it, channel by channel."""

    seed: str
    means: Annotated[tuple[float, ...], Field(strict=False, min_length=1)]


class FinderDescription(StrictModel):
    """All that ``finder.json`` states.

    The graph maps RGB uint8 (1, height, width, 3) to float32 (1, 9, height / 8, width / 8).
    """

    format: Literal[1] = 1
    graph: Graph
    licence: str = Field(min_length=1)
    source: str = Field(min_length=1)
    golden: FinderGolden


class FinderGraph:
    """Looks at pictures; several threads may use it at once.

    Args:
        folder: Holds ``finder.json`` and the graph.
        threads: Threads to compute with; 0 takes one a core.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: a file is not what ``finder.json`` states, or answers the golden picture otherwise.
    """

    def __init__(self, folder: Path, threads: int = 0) -> None:
        description = read_json_model(folder / FINDER_DESCRIPTION, FinderDescription)
        # bf16 would halve some 25 ms and move corners by up to 4 of 640 pixels.
        self._compiled = compile_graph(folder, description.graph, "fp32", threads, any_size=True)
        self._requests = threading.local()
        self._check(description.golden)

    def __call__(self, picture: RgbImage) -> NDArray[np.float32]:
        """Answers for every cell of a picture.

        Args:
            picture: RGB uint8 (height, width, 3), both sides multiples of 32.

        Returns:
            float32 (9, height / 8, width / 8), owning its memory.
        """
        request = getattr(self._requests, "request", None)
        if request is None:  # each thread computes in a request of its own
            request = self._requests.request = self._compiled.create_infer_request()
        (answer,) = request.infer({0: picture[None]}).values()
        return np.array(answer[0], dtype=np.float32)  # the request's own memory is overwritten by the next

    def release(self) -> None:
        """Gives back what looking took, some 25 MB; a thread that is looking meanwhile will do so itself."""
        with suppress(RuntimeError):  # "busy"
            self._compiled.release_memory()

    def _check(self, golden: FinderGolden) -> None:
        height_px, width_px = GOLDEN_SIZE_PX
        answer = self(np.ascontiguousarray(golden_picture(golden.seed)[:height_px, :width_px]))
        means = answer.mean(axis=(1, 2))
        if len(means) != len(golden.means) or not np.allclose(means, golden.means, atol=_GOLDEN_TOLERANCE):
            raise EncoderInvalid("the card finder does not answer its golden picture as finder.json states")
