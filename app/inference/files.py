"""Files of an encoder folder: their hashes, and JSON that is never half written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex; the file is read in pieces and never held as a whole."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Writes a file as a whole or not at all."""
    partial_path = path.with_name(f".{path.name}.partial")
    partial_path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial_path.replace(path)
