"""PyTorch and open_clip are an extra: serving an encoder that has a graph needs neither."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.domain.errors import ConfigurationError

#: What the extra ``clip`` brings, by the names that are imported.
_MODULES: Final = frozenset({"torch", "torchvision", "open_clip", "timm", "huggingface_hub"})


@contextmanager
def clip_extra() -> Iterator[None]:
    """Around an import that the extra may lack, or around what may lead to one.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _MODULES:
            raise
        raise ConfigurationError(
            "this needs PyTorch and open_clip, which are not installed: install Binderlens with the extra "
            "`clip`, or take an encoder with an OpenVINO graph, such as compact"
        ) from error
