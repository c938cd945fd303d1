"""What an encoder costs, each seen in a process of its own that holds nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from app.inference.manifest import ModelConfig
from app.inference.models_admin import export_encoder, verify_encoder
from tests.encoders import build_full_model, write_tiny_encoder

MODELS = Path(__file__).parents[2] / "models"

SERVE = """
import asyncio, json, sys, time
from pathlib import Path
from app.inference.allocator import limit_arenas_and_thresholds
limit_arenas_and_thresholds()
from app.inference.loading import load_encoder
from app.inference.memory import ProcessMemoryGuard
from app.inference.process_memory import read_process_memory
from app.inference.runner import EncoderRunner
from app.inference.torchvision_compat import import_open_clip
from tests.encoders import draw_crops

async def main(folder, precision, pages):
    import_open_clip()
    imported = read_process_memory()
    guard = ProcessMemoryGuard(None)
    runner = EncoderRunner(lambda: load_encoder(folder, precision=precision, threads=1), guard)
    await runner.start()
    crops, anonymous, started = draw_crops(9), [], time.perf_counter()
    for _ in range(pages):
        await runner.encode(crops)
        anonymous.append(guard.snapshot().anonymous_bytes)
    page_ms = (time.perf_counter() - started) / pages * 1000
    snapshot = guard.snapshot()
    print(json.dumps({
        "imported_anonymous": imported.anonymous_bytes, "anonymous": anonymous, "page_ms": page_ms,
        "rss": snapshot.rss_bytes, "file": snapshot.file_bytes, "imported_file": imported.file_bytes,
        "peak": snapshot.peak_rss_bytes, "batches": snapshot.batches}))
    await runner.close()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
"""


def serve(folder: Path, precision: str, pages: int) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(folder), precision, str(pages)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_pages_in_a_row_leave_anonymous_memory_flat(tmp_path: Path) -> None:
    write_tiny_encoder(tmp_path / "tiny")
    seen = serve(tmp_path / "tiny", "fp32", pages=60)
    anonymous = seen["anonymous"]
    assert isinstance(anonymous, list)
    assert max(anonymous[20:]) - min(anonymous[20:]) < 1_000_000
    assert seen["batches"] == 1 + 60 * 3  # nine crops a page in threes, after the warm-up


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_vit_l_14_is_exported_verified_loaded_and_served(tmp_path: Path, precision: str) -> None:
    """Random weights: only speed, memory and fidelity to the full model mean anything here."""
    name = "ViT-L-14/laion400m_e32"
    folder = tmp_path / "vit-l-14--laion400m_e32"
    folder.mkdir()
    for file in ("model.json", "source.json"):
        (folder / file).write_bytes((MODELS / folder.name / file).read_bytes())
    config = ModelConfig.model_validate_json((folder / "model.json").read_text()).model_dump()
    torch.save(build_full_model(config).state_dict(), folder / "full_checkpoint.pt")
    manifest = export_encoder(tmp_path, name, precision=precision)  # type: ignore[arg-type]
    visual_bytes = {"fp32": 4, "bf16": 2}[precision] * 303_966_208
    assert visual_bytes < manifest.weights.size_bytes < visual_bytes + 100_000
    fidelity = verify_encoder(folder, precision=precision)  # type: ignore[arg-type]
    assert fidelity.against == "full model"
    assert fidelity.least_cosine > 0.999

    seen = serve(folder, precision, pages=3)
    print({**seen, "least_cosine": fidelity.least_cosine})  # for docs/measurements.md: run with -s
    assert isinstance(seen["anonymous"], list)
    assert isinstance(seen["imported_anonymous"], int)
    if fidelity.precision == precision:  # mapped as it lies on disk: its pages are the file's
        assert seen["anonymous"][-1] - seen["imported_anonymous"] < visual_bytes / 4
