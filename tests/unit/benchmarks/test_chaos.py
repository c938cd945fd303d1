"""The suite of faults says by its exit status whether a promise was broken, and its damage is damage."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest

from app.domain.errors import BinderlensError
from app.vision.decode import decode_image
from benchmarks.chaos import __main__ as suite
from benchmarks.chaos.contract import _failures
from benchmarks.chaos.dose import Dose, Part
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.mutations import MUTATIONS, mutated, originals
from benchmarks.chaos.parts import PARTS
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.visitors import in_contract

Run = Callable[[Ground, Dose], Outcome]


def promising(kept: bool) -> Run:
    def run(ground: Ground, dose: Dose) -> Outcome:
        outcome = Outcome()
        outcome.promise("something", kept, "found")
        return outcome

    return run


def failing(ground: Ground, dose: Dose) -> Outcome:
    raise RuntimeError("cannot be shown here")


@pytest.fixture
def run_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, object]]:
    """Runs the suite over parts of the test's own; what was written."""

    async def prepare(work: Path) -> Ground:
        return Ground(work, (), ())

    def run_parts(*runs: Run) -> dict[str, object]:
        written: dict[str, object] = {}
        parts = tuple(Part(f"part-{index}", "a part", run, 1.0) for index, run in enumerate(runs))
        monkeypatch.setattr(suite, "PARTS", parts)
        monkeypatch.setattr(suite, "prepare", prepare)
        monkeypatch.setattr(suite.signal, "signal", lambda *_: None)
        monkeypatch.setattr(suite, "write_result", lambda name, figures, also: written.update(figures))
        suite.main([])
        return written

    return run_parts


def test_promises_that_were_kept_are_a_success(run_with: Callable[..., dict[str, object]]) -> None:
    assert set(run_with(promising(True), promising(True))) == {"part-0", "part-1"}


@pytest.mark.parametrize(
    "broken", [promising(False), failing, lambda *_: Outcome()], ids=["broken", "fails", "promises nothing"]
)
def test_a_part_that_shows_nothing_good_is_a_failure(
    broken: Run, run_with: Callable[..., dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_with(broken, promising(True))
    assert ended.value.code == 1
    assert "part-1" in capsys.readouterr().out


def test_every_part_has_a_name_of_its_own() -> None:
    assert len({part.name for part in PARTS}) == len(PARTS)


@pytest.fixture(scope="module")
def wholes() -> list[bytes]:
    scene = np.random.default_rng(1).integers(0, 255, (60, 40, 3), dtype=np.uint8)
    return list(originals(scene).values())


def test_whole_pictures_decode(wholes: list[bytes]) -> None:
    for whole in wholes:
        assert decode_image(whole, max_upload_bytes=10**7, max_pixels=10**6).size


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.__name__)
def test_damage_changes_a_picture_of_every_format(
    mutation: Callable[..., bytes], wholes: list[bytes]
) -> None:
    for whole in wholes:
        assert any(mutation(whole, random.Random(seed)) != whole for seed in range(5))


def test_the_same_seed_makes_the_same_damage_and_no_other_error_than_ours(wholes: list[bytes]) -> None:
    made = list(mutated(wholes, 200, 7))
    assert made == list(mutated(wholes, 200, 7))
    refused = 0
    for data in made:
        try:
            decode_image(data, max_upload_bytes=10**7, max_pixels=10**6)
        except BinderlensError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, True),
        (302, {}, False),
        (404, {"content-type": "application/problem+json"}, True),
        (404, {"content-type": "text/html"}, False),
        (500, {"content-type": "application/problem+json"}, False),
        (503, {"content-type": "application/problem+json"}, False),
        (503, {"content-type": "application/problem+json", "Retry-After": "2"}, True),
        (504, {"content-type": "application/problem+json"}, True),
    ],
)
def test_what_the_contract_knows(status: int, headers: dict[str, str], expected: bool) -> None:
    assert in_contract(httpx.Response(status, headers=headers)) is expected


def test_only_what_no_schema_can_say_is_let_pass() -> None:
    failures = [
        {"code": "ST202", "title": "rejected", "operations": ["GET /scans"]},
        {"code": "ST202", "title": "rejected", "operations": ["GET /scans", "GET /cards"]},
        {"code": "ST205", "title": "Allow", "operations": ["GET /scans"]},
    ]
    found = [operations for _, operations in _failures({"failures": failures})]
    assert found == [{"GET /cards"}, {"GET /scans"}]
