import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.errors import EncoderFileMissing, EncoderInvalid, EncoderNotFound
from app.inference.catalogue import list_encoders
from app.inference.fetch import fetch_encoder
from tests.integration.inference.local_hub import LocalHub, serve_hub

NAME = "ViT-B-32/laion2b_s34b_b79k"
REPOSITORY = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
CONTENT = (
    bytes(range(256)) * 4000
)  # a megabyte that is no checkpoint: fetch judges hashes, export judges tensors


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with serve_hub() as server:
        server.files[f"{REPOSITORY}/open_clip_model.safetensors"] = CONTENT
        yield server


def test_a_checkpoint_lands_in_its_folder_with_its_hash(hub: LocalHub, tmp_path: Path) -> None:
    path = fetch_encoder(tmp_path, NAME, endpoint=hub.url)
    assert path == tmp_path / "vit-b-32--laion2b_s34b_b79k" / "full_checkpoint.safetensors"
    assert path.read_bytes() == CONTENT
    receipt = json.loads((path.parent / "full_checkpoint.json").read_text())
    assert receipt["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert [(entry.name, entry.state) for entry in list_encoders(tmp_path)] == [(NAME, "fetched")]


def test_a_pickle_is_taken_only_where_there_are_no_safetensors(hub: LocalHub, tmp_path: Path) -> None:
    hub.files = {f"{REPOSITORY}/open_clip_pytorch_model.bin": CONTENT}
    assert fetch_encoder(tmp_path, NAME, endpoint=hub.url).name == "full_checkpoint.bin"


def test_an_interrupted_download_goes_on_where_it_stopped(hub: LocalHub, tmp_path: Path) -> None:
    content = CONTENT * 12  # the hub's client writes 10 MiB at a time, and less is lost with the connection
    hub.files[f"{REPOSITORY}/open_clip_model.safetensors"] = content
    hub.break_after = 11_000_000
    with pytest.raises(EncoderFileMissing, match="503"):
        fetch_encoder(tmp_path, NAME, endpoint=hub.url)
    partial = next((tmp_path / "vit-b-32--laion2b_s34b_b79k").glob("*.partial"))
    kept_bytes = partial.stat().st_size
    assert kept_bytes == 10 * 1024 * 1024

    hub.break_after, hub.broken, hub.ranges = None, False, []
    path = fetch_encoder(tmp_path, NAME, endpoint=hub.url)
    assert hub.ranges == [f"bytes={kept_bytes}-"]
    assert path.read_bytes() == content
    assert not partial.exists()


def test_what_is_here_already_is_not_downloaded_again(hub: LocalHub, tmp_path: Path) -> None:
    fetch_encoder(tmp_path, NAME, endpoint=hub.url)
    hub.ranges = []
    fetch_encoder(tmp_path, NAME, endpoint=hub.url)
    assert hub.ranges == []


def test_a_damaged_checkpoint_is_downloaded_again(hub: LocalHub, tmp_path: Path) -> None:
    path = fetch_encoder(tmp_path, NAME, endpoint=hub.url)
    path.write_bytes(CONTENT[:-1] + b"x")
    assert fetch_encoder(tmp_path, NAME, endpoint=hub.url).read_bytes() == CONTENT


def test_wrong_bytes_are_refused_and_not_kept(hub: LocalHub, tmp_path: Path) -> None:
    hub.stated_sha256 = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(EncoderInvalid, match="SHA-256"):
        fetch_encoder(tmp_path, NAME, endpoint=hub.url)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_states_no_hash_is_refused(hub: LocalHub, tmp_path: Path) -> None:
    hub.stated_sha256 = "W/abc"
    with pytest.raises(EncoderInvalid, match="states no SHA-256"):
        fetch_encoder(tmp_path, NAME, endpoint=hub.url)


def test_a_repository_without_the_file_is_named(hub: LocalHub, tmp_path: Path) -> None:
    hub.files = {}
    with pytest.raises(EncoderFileMissing, match=REPOSITORY):
        fetch_encoder(tmp_path, NAME, endpoint=hub.url)


def test_a_hub_that_cannot_be_reached_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(EncoderFileMissing, match="could not be fetched"):
        fetch_encoder(tmp_path, NAME, endpoint="http://127.0.0.1:9")


def test_a_fetch_that_brings_nothing_leaves_nothing(hub: LocalHub, tmp_path: Path) -> None:
    hub.broken = True
    models_dir = tmp_path / "new" / "models"
    for endpoint in ("http://127.0.0.1:9", hub.url):
        with pytest.raises(EncoderFileMissing):
            fetch_encoder(models_dir, NAME, endpoint=endpoint)
        assert list(tmp_path.iterdir()) == []


def test_a_fetch_that_fails_leaves_what_was_there_before(hub: LocalHub, tmp_path: Path) -> None:
    folder = fetch_encoder(tmp_path, NAME, endpoint=hub.url).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "full_checkpoint.safetensors").unlink()
    del before["full_checkpoint.safetensors"]
    hub.broken = True
    with pytest.raises(EncoderFileMissing):
        fetch_encoder(tmp_path, NAME, endpoint=hub.url)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_unknown_checkpoint_is_refused_with_what_comes_close(tmp_path: Path) -> None:
    with pytest.raises(EncoderNotFound, match=r"ViT-L-14/laion400m_e32"):
        fetch_encoder(tmp_path, "ViT-L-14/laion400m_e33")
    assert list(tmp_path.iterdir()) == []
