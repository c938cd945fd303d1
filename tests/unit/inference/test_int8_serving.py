"""What serving makes of an int8 graph and its proof, on new processors and on older ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from app.domain.errors import ConfigurationError, EncoderInvalid
from app.inference.int8_proof import LEAST_COSINE
from app.inference.loading import load_encoder
from app.inference.manifest import read_manifest
from tests.encoders import write_tiny_encoder
from tests.int8 import (
    blocks_of_colour,
    needs_int8_instruction,
    needs_nncf,
    rewrite_manifest,
    softened,
)

NEW_PROCESSOR = frozenset({"avx2", "avx512_vnni", "avx512_bf16"})
OLD_PROCESSOR = frozenset({"avx2", "fma"})


@pytest.fixture
def int8_encoder(shared_int8_encoder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shared_int8_encoder, tmp_path / "tiny"))


@pytest.fixture
def new_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inference.loading.read_cpu_flags", lambda: NEW_PROCESSOR)


@pytest.fixture
def old_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inference.loading.read_cpu_flags", lambda: OLD_PROCESSOR)


@needs_nncf
@needs_int8_instruction
def test_auto_serves_the_proven_graph_in_the_gallery_of_fp32(
    shared_int8_encoder: Path, new_processor: None
) -> None:
    crops = blocks_of_colour(9, seed=7)
    int8, fp32 = (load_encoder(shared_int8_encoder, precision=p) for p in ("auto", "fp32"))  # type: ignore[arg-type]
    assert (int8.info.precision, fp32.info.precision) == ("int8", "fp32")
    assert int8.info.fingerprint == fp32.info.fingerprint
    assert "proven" in int8.info.precision_reason
    assert (int8.encode_now(crops) * fp32.encode_now(crops)).sum(axis=1).min() > LEAST_COSINE


@needs_nncf
def test_an_older_processor_takes_fp32_and_its_answers_agree(
    shared_int8_encoder: Path, old_processor: None
) -> None:
    with capture_logs() as lines:
        auto, asked = (load_encoder(shared_int8_encoder, precision=p) for p in ("auto", "int8"))  # type: ignore[arg-type]
    assert [(line["event"], line["asked"]) for line in lines] == [("encoder_precision_fallback", "int8")]
    assert (auto.info.precision, asked.info.precision) == ("fp32", "fp32")
    gallery, queries = blocks_of_colour(50, seed=8), blocks_of_colour(50, seed=8)
    answers = auto.encode_now(list(map(softened, queries, range(50)))) @ auto.encode_now(gallery).T
    assert (answers.argmax(axis=1) == np.arange(50)).mean() > 0.9


@needs_nncf
@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("int8", "proof", "fingerprint"), "0" * 32, "other weights"),
        (("int8", "proof", "weights_sha256"), "0" * 64, "another int8 graph"),
        (("int8", "proof", "figures", "top1_agreement"), 0.9, "first card"),
    ],
)
def test_without_a_proof_that_holds_auto_leaves_int8_alone_and_int8_has_its_own_gallery(
    int8_encoder: Path, new_processor: None, path: tuple[str, ...], value: object, complaint: str
) -> None:
    rewrite_manifest(int8_encoder, *path, value=value)
    auto = load_encoder(int8_encoder, precision="auto")
    assert auto.info.precision == "bf16"
    assert complaint in auto.info.precision_reason
    assert load_encoder(int8_encoder, precision="int8").info.fingerprint != auto.info.fingerprint


@needs_nncf
def test_other_weights_under_a_proven_graph_have_another_gallery(
    int8_encoder: Path, tmp_path: Path, new_processor: None
) -> None:
    proven = json.loads((int8_encoder / "manifest.json").read_text())["int8"]
    write_tiny_encoder(int8_encoder, seed=1)
    assert read_manifest(int8_encoder).int8 is None  # new weights come without the old ones' proof
    rewrite_manifest(int8_encoder, "int8", value=proven)
    assert load_encoder(int8_encoder, precision="auto").info.precision == "bf16"


@needs_nncf
@needs_int8_instruction
def test_the_next_start_finds_what_this_one_compiled_and_its_answers_agree(
    int8_encoder: Path, tmp_path: Path
) -> None:
    crops = blocks_of_colour(3, seed=5)
    first, again = (
        load_encoder(int8_encoder, precision="int8", cache_dir=tmp_path / "cache").encode_now(crops)
        for _ in range(2)
    )
    assert list((tmp_path / "cache").glob("*.blob"))
    np.testing.assert_allclose(first, again, atol=1e-6)


@needs_nncf
@needs_int8_instruction
def test_a_cache_that_cannot_be_used_costs_time_and_no_service(int8_encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"no folder")
    encoder = load_encoder(int8_encoder, precision="int8", cache_dir=tmp_path / "cache")
    assert encoder.encode_now(blocks_of_colour(1, seed=5)).shape == (1, 32)


@needs_nncf
def test_a_changed_int8_graph_is_refused(int8_encoder: Path, new_processor: None) -> None:
    with (int8_encoder / "visual.int8.bin").open("r+b") as file:
        file.write(b"\x7f\x7f")
    with pytest.raises(EncoderInvalid, match=r"visual\.int8\.bin is not the file"):
        load_encoder(int8_encoder, precision="int8")


@needs_nncf
def test_a_graph_that_does_not_give_its_own_golden_vector_is_refused(
    int8_encoder: Path, new_processor: None
) -> None:
    rewrite_manifest(int8_encoder, "int8", "golden", value=[1.0] + [0.0] * 31)
    with pytest.raises(EncoderInvalid, match="golden"):
        load_encoder(int8_encoder, precision="int8")


@needs_nncf
def test_int8_by_torch_is_a_mistake_of_the_settings(shared_int8_encoder: Path, new_processor: None) -> None:
    with pytest.raises(ConfigurationError, match="ENCODER_RUNTIME=torch"):
        load_encoder(shared_int8_encoder, precision="int8", runtime="torch")
    assert load_encoder(shared_int8_encoder, precision="auto", runtime="torch").info.precision == "bf16"


@needs_nncf
@needs_int8_instruction
def test_serving_int8_imports_neither_torch_nor_open_clip_nor_what_quantised(
    shared_int8_encoder: Path,
) -> None:
    names = ("torch", "open_clip", "nncf", "timm", "sklearn", "openvino_telemetry")
    code = (
        "import sys; from pathlib import Path; import app.main; "
        "from app.inference.loading import load_encoder; "
        f"encoder = load_encoder(Path({str(shared_int8_encoder)!r})); "
        f"print(encoder.info.precision, [name for name in {names!r} if sys.modules.get(name)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "int8 []"
