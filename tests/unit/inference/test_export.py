from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from app.domain.errors import EncoderFileMissing, EncoderInvalid, EncoderNotFound
from app.inference.catalogue import (
    describe_pretrained,
    folder_name,
    list_encoders,
    resolve_encoder,
    write_description,
)
from app.inference.export import read_visual_state
from app.inference.loading import load_encoder
from app.inference.manifest import (
    EncoderSource,
    ModelConfig,
    read_manifest,
    read_model_config,
    read_source,
)
from app.inference.models_admin import export_encoder, verify_encoder
from app.inference.preprocessing import preprocess
from tests.encoders import TINY, TINY_PREPROCESSING, build_full_model, draw_crops, write_tiny_encoder

NAME = "Tiny/random"
MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """A models folder that describes a tiny CLIP as open_clip's tables describe real ones."""
    source = EncoderSource(
        architecture="Tiny",
        checkpoint="random",
        repository="nobody/tiny",
        preprocessing=TINY_PREPROCESSING,
        licence="CC0-1.0",
    )
    write_description(tmp_path / "tiny--random", source, ModelConfig.model_validate(TINY))
    return tmp_path


def save_checkpoint(path: Path, form: str, seed: int = 0) -> Path:
    state = {name: tensor.contiguous() for name, tensor in build_full_model(seed=seed).state_dict().items()}
    if form == "safetensors":
        save_file(state, path)
    elif form == "plain":
        torch.save(state, path)
    else:
        torch.save(
            {"epoch": 32, "state_dict": {f"module.{name}": value for name, value in state.items()}}, path
        )
    return path


@pytest.mark.parametrize(
    ("form", "file"), [("safetensors", "a.safetensors"), ("plain", "a.bin"), ("training", "a.pt")]
)
def test_every_form_of_checkpoint_gives_the_full_models_vectors(
    models_dir: Path, tmp_path: Path, form: str, file: str
) -> None:
    checkpoint = save_checkpoint(tmp_path / file, form)
    manifest = export_encoder(models_dir, NAME, checkpoint=checkpoint, precision="fp32")
    encoder = load_encoder(resolve_encoder(models_dir, NAME), precision="fp32")
    crops = draw_crops(3)
    full = build_full_model()
    pixels = torch.from_numpy(preprocess(crops, TINY_PREPROCESSING)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = full.encode_image(pixels, normalize=True).numpy()  # type: ignore[operator]
    np.testing.assert_allclose(encoder.encode_now(crops), expected, atol=2e-6)
    assert encoder.info.name == manifest.name == NAME


def test_the_export_holds_no_text_tower(models_dir: Path, tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path / "a.safetensors", "safetensors")
    manifest = export_encoder(models_dir, NAME, checkpoint=checkpoint, precision="fp32")
    visual_bytes = 4 * sum(p.numel() for p in build_full_model().visual.parameters())  # type: ignore[union-attr]
    header_bytes = 8192
    assert visual_bytes < manifest.weights.size_bytes < visual_bytes + header_bytes


def test_an_encoder_can_be_read_by_the_user_the_service_runs_as(shared_tiny_encoder: Path) -> None:
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in shared_tiny_encoder.iterdir())


@pytest.mark.parametrize(("precision", "allowed"), [("fp32", 0.999999), ("fp16", 0.9999), ("bf16", 0.995)])
def test_verify_compares_with_the_full_model(models_dir: Path, precision: str, allowed: float) -> None:
    save_checkpoint(models_dir / "tiny--random" / "full_checkpoint.pt", "training")
    export_encoder(models_dir, NAME, precision=precision)  # type: ignore[arg-type]
    fidelity = verify_encoder(models_dir / "tiny--random", precision="fp32")
    assert fidelity.against == "full model"
    assert fidelity.least_cosine > allowed


def test_verify_finds_an_encoder_of_another_checkpoint(models_dir: Path, tmp_path: Path) -> None:
    save_checkpoint(models_dir / "tiny--random" / "full_checkpoint.pt", "training")
    other = save_checkpoint(tmp_path / "other.pt", "training", seed=1)
    export_encoder(models_dir, NAME, checkpoint=other)
    with pytest.raises(EncoderInvalid, match="disagrees"):
        verify_encoder(models_dir / "tiny--random", precision="fp32")


def test_verify_refuses_a_checkpoint_that_open_clip_cannot_load(models_dir: Path) -> None:
    folder = models_dir / "tiny--random"
    save_checkpoint(folder / "full_checkpoint.pt", "plain")
    export_encoder(models_dir, NAME)
    state = torch.load(folder / "full_checkpoint.pt", weights_only=True)
    del state["ln_final.weight"]  # of the text tower: the export never looked at it
    torch.save(state, folder / "full_checkpoint.pt")
    with pytest.raises(EncoderInvalid, match="open_clip cannot load"):
        verify_encoder(folder, precision="fp32")


def test_without_a_checkpoint_verify_has_the_golden_vector(shared_tiny_encoder: Path) -> None:
    fidelity = verify_encoder(shared_tiny_encoder, precision="fp32")
    assert (fidelity.against, fidelity.pictures) == ("golden vector", 1)
    assert fidelity.least_cosine > 0.9999


def test_a_pickle_that_would_run_code_is_refused(models_dir: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return marker.touch, ()

    torch.save({"state_dict": Payload()}, tmp_path / "evil.pt")
    with pytest.raises(EncoderInvalid, match="read safely"):
        export_encoder(models_dir, NAME, checkpoint=tmp_path / "evil.pt")
    assert not marker.exists()


@pytest.mark.parametrize("file", ["page.pt", "page.safetensors"])
def test_a_download_page_saved_as_a_checkpoint_is_refused(
    models_dir: Path, tmp_path: Path, file: str
) -> None:
    (tmp_path / file).write_bytes(b"<html>sign in</html>")
    with pytest.raises(EncoderInvalid, match=file):
        export_encoder(models_dir, NAME, checkpoint=tmp_path / file)


def test_a_truncated_checkpoint_is_refused(models_dir: Path, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.pt", "training")
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(EncoderInvalid, match=r"a\.pt"):
        export_encoder(models_dir, NAME, checkpoint=path)


def test_a_checkpoint_without_an_image_tower_is_refused(tmp_path: Path) -> None:
    torch.save({"encoder.weight": torch.zeros(2)}, tmp_path / "a.pt")
    with pytest.raises(EncoderInvalid, match="no image tower"):
        read_visual_state(tmp_path / "a.pt")


def test_a_checkpoint_of_another_architecture_leaves_the_old_export_alone(
    models_dir: Path, tmp_path: Path
) -> None:
    export_encoder(models_dir, NAME, checkpoint=save_checkpoint(tmp_path / "a.pt", "plain"))
    before = read_manifest(models_dir / "tiny--random")
    state = build_full_model({**TINY, "embed_dim": 16}).state_dict()
    torch.save(state, tmp_path / "b.pt")
    with pytest.raises(EncoderInvalid, match="does not fit"):
        export_encoder(models_dir, NAME, checkpoint=tmp_path / "b.pt")
    assert read_manifest(models_dir / "tiny--random") == before
    load_encoder(models_dir / "tiny--random")
    assert not list((models_dir / "tiny--random").glob(".*partial"))


def test_values_too_large_for_half_precision_are_refused(models_dir: Path, tmp_path: Path) -> None:
    state = build_full_model().state_dict()
    state["visual.proj"] = state["visual.proj"] + 1e6
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(EncoderInvalid, match="not finite in fp16"):
        export_encoder(models_dir, NAME, checkpoint=tmp_path / "a.pt", precision="fp16")


def test_an_export_without_a_checkpoint_says_how_to_get_one(models_dir: Path) -> None:
    with pytest.raises(EncoderFileMissing, match="models fetch Tiny/random"):
        export_encoder(models_dir, NAME)


def test_names_map_to_folders_as_open_clip_compares_tags() -> None:
    assert folder_name("ViT-L-14/laion400m_e32") == "vit-l-14--laion400m_e32"
    assert folder_name("ViT-L-14/LAION400M-E32") == "vit-l-14--laion400m_e32"
    assert folder_name("compact") == "compact"


@pytest.mark.parametrize("name", ["", "..", "../etc", "/etc", "a/../b", "a/b/c", "a b"])
def test_names_cannot_leave_the_models_folder(name: str) -> None:
    with pytest.raises(EncoderNotFound):
        folder_name(name)


def test_an_unknown_encoder_is_answered_with_those_that_are_here(models_dir: Path) -> None:
    with pytest.raises(EncoderNotFound, match=r"here: Tiny/random; get it with .* ViT-B-32/openai"):
        resolve_encoder(models_dir, "ViT-B-32/openai")


def test_the_list_tells_each_folders_state(models_dir: Path) -> None:
    write_tiny_encoder(models_dir / "ready")
    write_tiny_encoder(models_dir / "torn")
    weights = models_dir / "torn" / "visual.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (models_dir / "training").mkdir()
    states = {entry.folder.name: entry.state for entry in list_encoders(models_dir)}
    assert states == {"ready": "ready", "tiny--random": "described", "torn": "broken"}


def test_an_encoder_without_weights_is_refused_with_the_way_to_get_them(models_dir: Path) -> None:
    with pytest.raises(EncoderFileMissing, match="models fetch"):
        load_encoder(models_dir / "tiny--random")


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in MODELS.glob("*/source.json")), ids=lambda p: p.name
)
def test_the_shipped_descriptions_are_those_of_open_clip(folder: Path) -> None:
    shipped = read_source(folder)
    source, config = describe_pretrained(shipped.name)
    assert folder.name == folder_name(shipped.name)
    assert shipped.model_copy(update={"licence": source.licence}) == source
    assert read_model_config(folder) == config


def test_weights_trained_with_quick_gelu_get_it() -> None:
    assert describe_pretrained("ViT-L-14/openai")[1].quick_gelu
    assert not describe_pretrained("ViT-L-14/laion400m_e32")[1].quick_gelu
