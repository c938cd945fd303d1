"""A small copy of the PokemonTCG data, and a server for its pictures."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.chaos.tcgdex_site import LocalTcgdex
from tests.encoders import draw_crops

PICTURES_HOST = "https://images.pokemontcg.io"


def encoded(image: np.ndarray, ending: str = ".png") -> bytes:
    done, data = cv2.imencode(ending, image)
    assert done
    return data.tobytes()


CROPS = draw_crops(4)
PICTURES = [encoded(crop) for crop in CROPS]


def card(set_id: str, number: str, **more: object) -> dict[str, object]:
    base = f"{PICTURES_HOST}/{set_id}/{number}"
    return {
        "id": f"{set_id}-{number}",
        "name": f"Card {number}",
        "supertype": "Pokémon",
        "number": number,
        "rarity": "Rare Holo",
        "images": {"small": f"{base}.png", "large": f"{base}_hires.png"},
        **more,
    }


@dataclass(frozen=True)
class DataCopy:
    """The folder ``--data`` names."""

    root: Path

    def add_set(self, set_id: str, cards: list[object], printed_total: int | None = 102) -> None:
        listed = self.root / "sets" / "en.json"
        listed.parent.mkdir(parents=True, exist_ok=True)
        sets = json.loads(listed.read_text()) if listed.is_file() else []
        one = {"id": set_id, "name": f"Set {set_id}", "series": "Base", "printedTotal": printed_total}
        listed.write_text(json.dumps([*sets, one]))
        self.write(f"cards/en/{set_id}.json", cards)

    def write(self, relative: str, content: object) -> None:
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def serve_pictures(site: LocalTcgdex, pictures: dict[str, bytes]) -> None:
    """Puts pictures onto the server, by set id and number: ``base1/4``."""
    for place, picture in pictures.items():
        site.replies[f"/{place}_hires.png"] = picture


def manifest_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every kept picture and the manifest, by path."""
    found = [folder / "manifest.csv", *(folder / "images").rglob("*.*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}
