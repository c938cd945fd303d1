"""ViT-L-14 from a full checkpoint to an identified page, by the commands a person would type.

Its weights are random, so which cards it names means nothing; that it is exported, verified, loaded, filled
with a gallery and served within its memory does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from app.inference.manifest import ModelConfig
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.folder import write_gallery
from app.synthesis.scenes import SceneKind
from benchmarks.service import running_service
from tests.encoders import build_full_model
from tests.service import as_upload, photograph

MODELS = Path(__file__).parents[2] / "models"
NAME = "ViT-L-14/laion400m_e32"
FOLDER = "vit-l-14--laion400m_e32"
CARDS = 12


def write_random_checkpoint(models_dir: Path) -> None:
    folder = models_dir / FOLDER
    folder.mkdir(parents=True)
    for file in ("model.json", "source.json"):
        (folder / file).write_bytes((MODELS / FOLDER / file).read_bytes())
    config = ModelConfig.model_validate_json((folder / "model.json").read_text()).model_dump()
    torch.save(build_full_model(config).state_dict(), folder / "full_checkpoint.pt")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_vit_l_14_goes_from_checkpoint_to_an_identified_page(tmp_path: Path) -> None:
    models_dir, data_dir = tmp_path / "models", tmp_path / "data"
    data_dir.mkdir()
    write_random_checkpoint(models_dir)
    environment = {"MODELS_DIR": str(models_dir), "ENCODER": NAME, "DATA_DIR": str(data_dir)}

    def binderlens(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    binderlens("models", "export", NAME)
    assert "agrees with the full model" in binderlens("models", "verify", NAME)
    cards = invent_catalogue(seed=99, artworks=CARDS)[:CARDS]
    manifest = write_gallery(cards, tmp_path / "cards", 400)
    assert f"{CARDS} cards" in binderlens(
        "gallery", "import", str(manifest), "--images", str(manifest.parent)
    )
    page = photograph(cards[:9], SceneKind.PAGE_3X3)
    with running_service(data_dir, environment) as service:
        reply = service.client.post("/identify", files=as_upload(page.image))
        memory = service.client.get("/memory").json()
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["encoder"]["name"] == NAME
    assert len(body["cards"]) == 9
    assert all(card["candidates"] for card in body["cards"])
    # For docs/measurements.md: run with -s.
    print({"memory": memory, "timings_ms": body["timings_ms"], "ready_s": service.ready_s})
