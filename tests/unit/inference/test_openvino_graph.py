from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from app.domain.errors import ConfigurationError, EncoderFileMissing, EncoderInvalid
from app.inference import mapped_file, openvino_graph
from app.inference.export import add_graph
from app.inference.graph_files import Graph
from app.inference.loading import load_encoder
from app.inference.manifest import read_manifest
from app.inference.mapped_file import MappedFile
from app.inference.openvino_graph import GraphTower
from tests.encoders import draw_crops

COMPACT = Path(__file__).resolve().parents[3] / "models" / "compact"
_MANIFEST = read_manifest(COMPACT)
COMPACT_INPUT = (_MANIFEST.preprocessing.height_px, _MANIFEST.preprocessing.width_px, 3)
GRAPH = cast(Graph, _MANIFEST.graph)


@pytest.fixture(scope="module")
def encoder_with_graph(shared_tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph") / "tiny"
    shutil.copytree(shared_tiny_encoder, folder)
    add_graph(folder)
    return folder


def compact_tower() -> GraphTower:
    return GraphTower(COMPACT, GRAPH, "fp32", threads=1)


def test_the_graph_gives_the_vectors_that_torch_gives(encoder_with_graph: Path) -> None:
    crops = draw_crops(5)
    by_graph, by_torch = (
        load_encoder(encoder_with_graph, precision="fp32", runtime=runtime).encode_now(crops)
        for runtime in ("openvino", "torch")
    )
    assert (by_graph * by_torch).sum(axis=1).min() > 0.99999  # the graph keeps its weights in fp16


def test_graph_and_weights_share_a_fingerprint_so_that_one_gallery_serves_both(
    encoder_with_graph: Path, shared_tiny_encoder: Path
) -> None:
    with_graph = load_encoder(encoder_with_graph, runtime="auto").info
    assert with_graph.fingerprint == load_encoder(shared_tiny_encoder).info.fingerprint


def test_the_committed_graph_is_the_committed_weights() -> None:
    crops = draw_crops(4)
    by_graph, by_torch = (
        load_encoder(COMPACT, precision="fp32", runtime=runtime).encode_now(crops)
        for runtime in ("openvino", "torch")
    )
    assert (by_graph * by_torch).sum(axis=1).min() > 0.99999


def test_vectors_survive_the_next_batch(encoder_with_graph: Path) -> None:
    encoder = load_encoder(encoder_with_graph, runtime="openvino")
    first = encoder.encode_batch(draw_crops(2))
    kept = first.copy()
    encoder.encode_batch(draw_crops(2, seed=9))
    np.testing.assert_array_equal(first, kept)


class WatchedWeights(MappedFile):
    """Notes what happens in which order."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.released_meanwhile = 0

    def release(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.seen.append("release")
        else:
            self.released_meanwhile += 1
        super().release()

    @contextlib.contextmanager
    def releasing_periodically(self) -> Iterator[None]:
        self.seen.append("begin")
        with super().releasing_periodically():
            yield
        self.seen.append("end")


class WatchedRequest:
    """Notes when it computes, and fails where it is told to."""

    def __init__(self, request: openvino_graph.InferRequest, weights: WatchedWeights) -> None:
        self._request, self._weights, self.fails = request, weights, False

    def infer(self, inputs: Mapping[int, NDArray[np.generic]]) -> Mapping[object, NDArray[np.float32]]:
        """Computes until pages were given back meanwhile, where that is under way."""
        self._weights.seen.append("infer")
        if self.fails:
            raise LookupError("no memory for this one")
        before, waits_until_s = self._weights.released_meanwhile, time.monotonic() + 20
        outputs = self._request.infer(inputs)
        while "begin" in self._weights.seen[-2:] and self._weights.released_meanwhile == before:
            assert time.monotonic() < waits_until_s
            outputs = self._request.infer(inputs)
        return outputs


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> tuple[GraphTower, WatchedWeights, WatchedRequest]:
    if sys.platform != "linux":
        pytest.skip("the list of mappings is Linux'")
    monkeypatch.setattr(openvino_graph, "MappedFile", WatchedWeights)
    tower = compact_tower()
    weights = cast(WatchedWeights, tower._weights)
    tower._request = request = WatchedRequest(tower._request, weights)
    return tower, weights, request


def test_weights_are_given_back_while_the_first_batch_of_a_size_is_computed_and_after_each_batch(
    watched: tuple[GraphTower, WatchedWeights, WatchedRequest],
) -> None:
    tower, weights, _ = watched
    for size in (2, 2, 1, 2):
        tower(np.zeros((size, *COMPACT_INPUT), np.float32))
    first, again = ["begin", "infer", "end", "release"], ["infer", "release"]
    assert weights.seen == [*first, *again, *first, *again]


def test_a_batch_that_failed_has_not_packed_the_weights(
    watched: tuple[GraphTower, WatchedWeights, WatchedRequest],
) -> None:
    tower, weights, request = watched
    request.fails = True
    with pytest.raises(LookupError):
        tower(np.zeros((1, *COMPACT_INPUT), np.float32))
    request.fails = False
    tower(np.zeros((1, *COMPACT_INPUT), np.float32))
    assert weights.seen.count("begin") == 2


def test_vectors_are_the_same_bit_by_bit_whether_or_not_weights_are_given_back_while_they_are_packed(
    watched: tuple[GraphTower, WatchedWeights, WatchedRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    tower, weights, _ = watched
    pixels = np.random.default_rng(1).random((3, *COMPACT_INPUT), np.float32)
    monkeypatch.setattr(mapped_file, "_RELEASE_EVERY_S", 0.0001)
    given_back = tower(pixels)
    assert weights.released_meanwhile
    monkeypatch.setattr(MappedFile, "_release_until", lambda self, finished: None)
    np.testing.assert_array_equal(given_back, compact_tower()(pixels))


@pytest.mark.skipif(sys.platform != "linux", reason="the list of mappings is Linux'")
def test_openvino_keeps_the_weights_mapped_where_they_are_as_long_as_the_tower_lives(tmp_path: Path) -> None:
    # Pages given back at an address where something else had come to lie would be zeros.
    path = COMPACT / GRAPH.weights.file
    for cache_dir in (None, tmp_path, tmp_path):  # none, an empty one, and the one that was filled
        tower = GraphTower(COMPACT, GRAPH, "fp32", threads=1, cache_dir=cache_dir)
        at_first = addresses(tower._weights.ranges)
        assert len(at_first) == -(-GRAPH.weights.size_bytes // mmap.PAGESIZE)
        for size in (3, 2, 1, 3):
            tower(np.zeros((size, *COMPACT_INPUT), np.float32))
            assert at_first <= addresses(mapped_file._read_only_ranges(path, Path("/proc/self/maps")))
    assert list(tmp_path.iterdir())


def addresses(ranges: Iterable[tuple[int, int]]) -> set[int]:
    """Of every page."""
    return {page for start, size in ranges for page in range(start, start + size, mmap.PAGESIZE)}


@pytest.mark.skipif(sys.platform != "linux", reason="the list of mappings is Linux'")
def test_a_tower_gives_back_its_own_weights_and_none_of_a_tower_that_was_there_before() -> None:
    earlier = compact_tower()
    earlier(np.zeros((1, *COMPACT_INPUT), np.float32))
    later = compact_tower()
    assert later._weights.ranges
    assert not addresses(later._weights.ranges) & addresses(earlier._weights.ranges)


def test_a_process_in_which_towers_came_and_went_still_takes_an_interrupt() -> None:
    code = (
        "import os, signal; from tests.unit.inference.test_openvino_graph import compact_tower\n"
        "first, second = compact_tower(), compact_tower(); del first; del second\n"
        "signal.signal(signal.SIGINT, lambda *_: print('interrupted')); os.kill(os.getpid(), signal.SIGINT)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=COMPACT.parents[1]
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


def test_a_graph_serves_without_torch_and_without_telling_its_maker() -> None:
    code = (
        "import sys; from pathlib import Path; import app.main; "
        "from app.inference.loading import load_encoder; "
        f"load_encoder(Path({str(COMPACT)!r})); "
        "print([name for name in ('torch', 'open_clip', 'openvino_telemetry') if sys.modules.get(name)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("set_by_the_operator", "holds"), [(None, "256"), ("1024", "1024")])
def test_onednn_is_told_how_much_to_keep_unless_the_operator_says_so(
    monkeypatch: pytest.MonkeyPatch, set_by_the_operator: str | None, holds: str
) -> None:
    name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    monkeypatch.delenv(name, raising=False)
    if set_by_the_operator:
        monkeypatch.setenv(name, set_by_the_operator)
    openvino_graph.import_openvino()
    assert os.environ.pop(name) == holds


def test_a_changed_graph_is_refused(encoder_with_graph: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(encoder_with_graph, folder)
    with (folder / "visual.bin").open("r+b") as file:
        file.seek(64)
        file.write(b"\xff\x00\xff\x00")
    with pytest.raises(EncoderInvalid, match=r"visual\.bin is not the file"):
        load_encoder(folder)


def test_weights_that_openvino_would_not_read_are_refused_however_right_their_hash(
    encoder_with_graph: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(encoder_with_graph, folder)
    shutil.copy(folder / "visual.bin", folder / "checked.bin")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["graph"]["weights"]["file"] = "checked.bin"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(EncoderInvalid, match="same name"):
        load_encoder(folder, runtime="openvino")


def test_a_system_without_affinities_gives_a_thread_a_core(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert openvino_graph.usable_cores() == 3


def test_a_missing_graph_file_is_named(encoder_with_graph: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(encoder_with_graph, folder)
    (folder / "visual.xml").unlink()
    with pytest.raises(EncoderFileMissing, match=r"visual\.xml"):
        load_encoder(folder)


def test_openvino_without_a_graph_is_a_mistake_of_the_settings(shared_tiny_encoder: Path) -> None:
    with pytest.raises(ConfigurationError, match="ENCODER_RUNTIME"):
        load_encoder(shared_tiny_encoder, runtime="openvino")


def test_an_encoder_without_a_graph_runs_by_torch(shared_tiny_encoder: Path) -> None:
    assert read_manifest(shared_tiny_encoder).graph is None
    assert load_encoder(shared_tiny_encoder).encode_now(draw_crops(1)).shape == (1, 32)
