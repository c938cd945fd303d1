from pathlib import Path

import pytest
import torch

from tests.encoders import write_tiny_encoder


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
