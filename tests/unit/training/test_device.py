"""Where a run computes."""

from __future__ import annotations

import pytest
import torch

from app.domain.errors import ConfigurationError
from models.training.device import choose_device


@pytest.mark.parametrize(("has_gpu", "chosen"), [(False, "cpu"), (True, "cuda")])
def test_auto_takes_a_gpu_where_there_is_one(monkeypatch, has_gpu, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    assert choose_device("auto").type == chosen
    assert choose_device("cpu").type == "cpu"


def test_a_gpu_that_is_asked_for_and_missing_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match="sees no GPU"):
        choose_device("cuda")
