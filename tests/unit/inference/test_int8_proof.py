"""How much int8 may cost, and what a proof speaks of."""

from __future__ import annotations

from typing import Any

import pytest

from app.inference.graph_files import Graph, GraphFile
from app.inference.int8_proof import (
    LEAST_QUERIES,
    Int8Figures,
    Int8Graph,
    Int8Proof,
    Recall,
    broken_bond,
    shortfalls,
)

FINGERPRINT = "a" * 32


def figures(**changes: Any) -> Int8Figures:
    good = Int8Figures(
        queries=400,
        least_cosine=0.9951,
        mean_cosine=0.999,
        fp32=Recall(at_1=0.9, at_50=0.99),
        int8=Recall(at_1=0.9, at_50=0.99),
        int8_in_fp32=Recall(at_1=0.9, at_50=0.99),
        top1_agreement=0.995,
    )
    return good.model_copy(update=changes)


def int8_graph(found: Int8Figures | None = None, **changes: Any) -> Int8Graph:
    graph = Graph(
        model=GraphFile(file="visual.int8.xml", sha256="1" * 64, size_bytes=1),
        weights=GraphFile(file="visual.int8.bin", sha256="2" * 64, size_bytes=1),
    )
    proof = Int8Proof(
        fingerprint=FINGERPRINT,
        model_sha256="1" * 64,
        weights_sha256="2" * 64,
        pictures="invented",
        figures=found or figures(),
    )
    return Int8Graph(graph=graph, golden=(1.0,), proof=proof.model_copy(update=changes))


def test_figures_within_every_tolerance_fall_short_of_nothing() -> None:
    assert shortfalls(figures()) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"queries": LEAST_QUERIES - 1}, "too few"),
        ({"least_cosine": 0.9949}, "cosine"),
        ({"least_cosine": float("nan")}, "cosine"),
        ({"mean_cosine": 0.9}, "cosine"),
        ({"top1_agreement": 0.9949}, "first card"),
        ({"int8": Recall(at_1=0.9, at_50=0.9875)}, "recall@50"),
        ({"int8_in_fp32": Recall(at_1=0.9, at_50=0.9875)}, "recall@50"),
    ],
)
def test_each_tolerance_that_is_missed_is_named(changes: dict[str, Any], complaint: str) -> None:
    (found,) = shortfalls(figures(**changes))
    assert complaint in found


def test_a_recall_that_loses_just_the_tolerance_is_allowed() -> None:
    assert shortfalls(figures(int8=Recall(at_1=0.5, at_50=0.988))) == []


def test_a_proof_of_these_files_and_weights_holds() -> None:
    assert broken_bond(int8_graph(), FINGERPRINT) is None


@pytest.mark.parametrize("changed", ["model_sha256", "weights_sha256"])
def test_a_proof_of_another_graph_file_does_not_hold(changed: str) -> None:
    found = broken_bond(int8_graph(**{changed: "3" * 64}), FINGERPRINT)
    assert found == "its proof is of another int8 graph"


def test_a_proof_of_other_weights_does_not_hold() -> None:
    assert "other weights" in str(broken_bond(int8_graph(), "b" * 32))


def test_a_proof_whose_figures_miss_a_tolerance_does_not_hold() -> None:
    assert "cosine" in str(broken_bond(int8_graph(figures(least_cosine=0.5)), FINGERPRINT))
