import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from app.inference.torchvision_compat import define_missing_operators

FRESH_PROCESS = """
import gc
from app.inference.torchvision_compat import define_missing_operators, import_open_clip, import_timm
first = define_missing_operators()
gc.collect()
assert import_open_clip().__name__ == "open_clip"
assert import_timm().__name__ == "timm"
assert define_missing_operators() is first
if first is not None:
    import torch
    assert "nms(Tensor dets" in str(torch.ops.torchvision.nms.default._schema)
"""


def test_open_clip_and_timm_import_in_a_fresh_process() -> None:
    done = subprocess.run([sys.executable, "-c", FRESH_PROCESS], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_matching_builds_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", ModuleType)
    assert define_missing_operators.__wrapped__() is None


def test_another_failure_of_torchvision_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> ModuleType:
        raise RuntimeError("libjpeg is missing")

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="libjpeg"):
        define_missing_operators.__wrapped__()
