"""Reads lines of text by the recogniser that comes with RapidOCR (the optional extra ``ocr``), in OpenVINO.

Of that package only a file is used: PP-OCRv6's small recogniser (Apache-2.0, from PaddleOCR), ONNX, with its
alphabet inside. Its text detector takes longer than a whole page may; here lines are known beforehand.
"""

from __future__ import annotations

import importlib.util
import math
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from app.domain.calibration import Calibrations
from app.domain.errors import EncoderInvalid
from app.domain.reading_evidence import Reading
from app.domain.types import RgbImage
from app.inference.files import sha256_of
from app.inference.openvino_graph import CompiledGraph, import_openvino, openvino_core, usable_cores
from app.inference.precision import fastest_float, read_cpu_flags
from app.settings import Settings

#: Where the package has the recogniser, and which file was measured; rapidocr 3.10.
RECOGNISER_FILE: Final = Path("models") / "PP-OCRv6_rec_small.onnx"
RECOGNISER_SHA256: Final = "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
STRIP_HEIGHT_PX: Final = 48
#: Strips get one of a few widths: OpenVINO prepares itself anew, and keeps memory, for each.
_WIDTH_STEP_PX, _LEAST_WIDTH_PX, _MOST_WIDTH_PX = 64, 128, 640
_KEPT_PRIMITIVES = 200


def find_recogniser() -> Path | None:
    """The recogniser's file, or None where the extra is not installed. The package is not imported."""
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / RECOGNISER_FILE
    return path if path.is_file() else None


def load_text_reader(
    settings: Settings, calibrations: Calibrations, cache_dir: Path | None = None
) -> OpenVinoTextReader | None:
    """A reader that is ready, or None where it is off, not installed, or of no use.

    The service is whole without it: one that cannot be loaded is logged, no reason not to start.

    Args:
        settings: Whether text is read at all, and with how many threads.
        calibrations: Of no use is a reader whose verdicts are worth nothing.
        cache_dir: As for ``OpenVinoTextReader``.
    """
    weighed = (calibrations.verified, calibrations.verified_in_space)
    if settings.ocr == "off" or not any(one is not None and one.text_nats > 0 for one in weighed):
        return None
    path = find_recogniser()
    if path is None:
        return None
    reader = OpenVinoTextReader(path, settings.encoder_threads, cache_dir)
    try:
        reader.warm_up()
    except EncoderInvalid as error:
        structlog.get_logger().warning("text_reader_left_out", reason=str(error))
        return None
    return reader


class OpenVinoTextReader:
    """Implements ``app.domain.reading_evidence.TextReader``.

    The network is loaded by the first call (0.3 s), so that commands which never read do not wait for it.

    Args:
        path: From ``find_recogniser``.
        threads: Threads to compute with; 0 takes one a core.
        cache_dir: Where the network is kept in OpenVINO's own format, whose weights stay in the file: of an
            ONNX file they are copied, which takes 25 MB more as long as the process lives.
    """

    def __init__(self, path: Path, threads: int = 0, cache_dir: Path | None = None) -> None:
        self._path = path
        self._threads = threads
        self._cache_dir = cache_dir
        self._lock = threading.Lock()
        self._loaded: tuple[CompiledGraph, list[str]] | None = None
        self._requests = threading.local()

    def __call__(self, strips: Sequence[RgbImage]) -> list[Reading]:
        """Reads each strip.

        Args:
            strips: RGB uint8 (height, width, 3), each one line of text that fills most of its height.

        Raises:
            EncoderInvalid: the package has another recogniser than the one that was measured.
        """
        if not strips:
            return []
        graph, alphabet = self._ready()
        request = getattr(self._requests, "request", None)
        if request is None:  # each thread computes in a request of its own
            request = self._requests.request = graph.create_infer_request()
        readings = []
        for strip in strips:  # one by one: on two cores a batch takes no less time, and widths differ
            (answer,) = request.infer({0: _prepared(strip)}).values()
            readings.append(_decoded(answer[0], alphabet))
        return readings

    def warm_up(self) -> None:
        """Loads the network and prepares it for the commonest width."""
        self([np.zeros((STRIP_HEIGHT_PX, _LEAST_WIDTH_PX, 3), np.uint8)])

    def _ready(self) -> tuple[CompiledGraph, list[str]]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._path, self._threads, self._cache_dir)
            return self._loaded


def _load(path: Path, threads: int, cache_dir: Path | None) -> tuple[CompiledGraph, list[str]]:
    if sha256_of(path) != RECOGNISER_SHA256:
        raise EncoderInvalid(f"{path} is another recogniser than that of rapidocr 3.10")
    hint = {"fp32": "f32", "bf16": "bf16"}[fastest_float(read_cpu_flags())]
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": hint,
        "INFERENCE_NUM_THREADS": threads or usable_cores(),
        "CPU_RUNTIME_CACHE_CAPACITY": _KEPT_PRIMITIVES,
    }
    kept = None if cache_dir is None else _kept(path, cache_dir)
    try:
        compiled, letters = _compile(path if kept is None else kept, options)
    except RuntimeError as error:
        if kept is None:
            raise EncoderInvalid(f"{path} cannot be run: {_one_line(error)}") from error
        structlog.get_logger().warning("kept_recogniser_broken", path=str(kept), reason=_one_line(error))
        with suppress(OSError):  # a folder that cannot be written to stays as it is
            for suffix in (".xml", ".bin"):  # the next start makes it anew
                kept.with_suffix(suffix).unlink(missing_ok=True)
        return _load(path, threads, None)
    # Connectionist temporal classification: class 0 is "no new letter", the last one a space.
    return compiled, ["", *letters, " "]


def _compile(path: Path, options: Mapping[str, object]) -> tuple[CompiledGraph, list[str]]:
    core = openvino_core()
    model = core.read_model(path)
    letters = model.get_rt_info(["framework", "character"]).astype(str).splitlines()
    return cast(CompiledGraph, core.compile_model(model, "CPU", options)), letters


def _kept(path: Path, cache_dir: Path) -> Path | None:
    """The network in OpenVINO's own format, weights as fp16; None where it cannot be written."""
    openvino = import_openvino()
    kept = cache_dir / f"recogniser-{RECOGNISER_SHA256[:16]}-{openvino.get_version().split('-')[0]}.xml"
    if kept.exists() and kept.with_suffix(".bin").exists():
        return kept
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".recogniser-", dir=cache_dir) as work:
            made = Path(work) / kept.name
            openvino.save_model(openvino_core().read_model(path), made, compress_to_fp16=True)
            for suffix in (".bin", ".xml"):  # whoever sees the .xml finds its weights
                made.with_suffix(suffix).replace(kept.with_suffix(suffix))
    except (OSError, RuntimeError) as error:  # OpenVINO's own is a RuntimeError, for a full disk too
        structlog.get_logger().info("recogniser_not_kept", folder=str(cache_dir), reason=_one_line(error))
        return None
    return kept


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _prepared(strip: RgbImage) -> NDArray[np.float32]:
    """BGR in [-1, 1], 48 px high, padded with middle grey to one of a few widths, (1, 3, 48, width)."""
    height, width = strip.shape[:2]
    wide = min(_MOST_WIDTH_PX, max(1, round(STRIP_HEIGHT_PX * width / height)))
    padded = max(_LEAST_WIDTH_PX, math.ceil(wide / _WIDTH_STEP_PX) * _WIDTH_STEP_PX)
    if (height, width) != (STRIP_HEIGHT_PX, wide):
        strip = np.asarray(
            cv2.resize(strip, (wide, STRIP_HEIGHT_PX), interpolation=cv2.INTER_CUBIC), np.uint8
        )
    picture = np.zeros((1, 3, STRIP_HEIGHT_PX, padded), np.float32)
    picture[0, :, :, :wide] = strip[:, :, ::-1].transpose(2, 0, 1) / np.float32(127.5) - 1.0
    return picture


def _decoded(answer: NDArray[np.float32], alphabet: Sequence[str]) -> Reading:
    """The best letter at each place, repeats folded; ``answer``: probabilities (places, letters)."""
    letters = answer.argmax(axis=1)
    new = (letters != 0) & np.r_[True, letters[1:] != letters[:-1]]
    if not new.any():
        return Reading("", 0.0)
    text = "".join(alphabet[letter] for letter in letters[new])
    return Reading(text, float(answer.max(axis=1)[new].mean()))
