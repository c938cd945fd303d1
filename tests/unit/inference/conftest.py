from pathlib import Path

import pytest
import torch

from app.inference import int8_evidence
from app.inference.int8_export import export_int8
from tests.encoders import write_tiny_encoder
from tests.int8 import sample, softened


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread() -> None:
    """Tiny models wait for their threads longer than they compute."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete encoder folder that no test may change."""
    folder = tmp_path_factory.mktemp("encoders") / "tiny"
    write_tiny_encoder(folder)
    return folder


@pytest.fixture
def tiny_encoder(shared_tiny_encoder: Path, tmp_path: Path) -> Path:
    """A complete encoder folder of this test's own."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for file in shared_tiny_encoder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture(scope="session")
def shared_int8_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small vision transformer with a proven int8 graph, that no test may change.

    Random weights know no card under glare: photos only a little softer than the picture stand in.
    """
    folder = tmp_path_factory.mktemp("int8") / "tiny"
    write_tiny_encoder(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8_evidence, "judging_photo", softened)
        export_int8(folder, sample())
    return folder
