"""Lets torchvision import beside a CPU build of torch that was not built together with it.

open_clip and timm import torchvision. Its wheel for CUDA carries no operators that a CPU torch can load, and
the import then fails while it registers shape rules for ``nms`` and ``qnms``. We never call either operator,
so it is enough that their schemas exist.
"""

from __future__ import annotations

import functools
import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from app.inference.clip_extra import clip_extra

if TYPE_CHECKING:
    import torch

_NMS_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@functools.cache
def define_missing_operators() -> torch.library.Library | None:
    """Makes ``import torchvision`` work; does nothing where the two builds already match.

    Returns:
        The library that holds the two schemas, None where none was needed. The cache keeps it alive: the
        schemas vanish with it.

    Raises:
        RuntimeError: torchvision fails to import for another reason.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    else:
        return None
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # what the failed import left half done
    import torch  # here, so that looking up an encoder's name does not load it

    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define("nms" + _NMS_SCHEMA)  # type: ignore[no-untyped-call]
    library.define("qnms" + _NMS_SCHEMA)  # type: ignore[no-untyped-call]
    importlib.import_module("torchvision")
    return library


def import_open_clip() -> ModuleType:
    """``import open_clip``, once torchvision can be imported."""
    with clip_extra():
        define_missing_operators()
        return importlib.import_module("open_clip")


def import_timm() -> ModuleType:
    """``import timm``, once torchvision can be imported."""
    with clip_extra():
        define_missing_operators()
        return importlib.import_module("timm")
