"""What quantising an encoder to int8 cost, measured when it was done, and how much it may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.domain.card_sample import SampleSource
from app.inference.graph_files import Graph, Sha256, StrictModel

#: Between the fp32 and the int8 vector of one picture. Two photos of one card are some 0.8 to 0.95 alike, and
#: its nearest rival little less: an error of 0.005 in the cosine is small beside what tells cards apart.
LEAST_COSINE = 0.995
#: Of the first answers. A page of nine then changes one answer in twenty pages, less than two photos of one
#: page differ by.
LEAST_TOP1_AGREEMENT = 0.995
#: Verification repairs the order of the first 50, and nothing repairs a card that is not among them.
MOST_RECALL_LOSS_AT_50 = 0.002
#: With fewer queries an agreement of 99.5 % could not be told from one of 98: of 200 one may differ.
LEAST_QUERIES = 200

Share = Annotated[float, Field(ge=0, le=1)]


class Recall(StrictModel):
    """Share of the photos whose card came first, and whose card was among the first 50."""

    at_1: Share
    at_50: Share


class Int8Figures(StrictModel):
    """int8 against the fp32 it was made from.

    Two galleries are searched with int8 vectors: one that int8 made, and the one that fp32 made, because
    compatible encoders share a gallery.

    Attributes:
        queries: How many photos were searched, each of another card, among as many references.
        least_cosine: Of all references and photos, between fp32 and int8.
        mean_cosine: Likewise.
        fp32: What fp32 vectors find in a gallery of fp32 vectors.
        int8: What int8 vectors find in a gallery of int8 vectors.
        int8_in_fp32: What int8 vectors find in a gallery of fp32 vectors.
        top1_agreement: Share of the photos that get the same first card as with fp32 alone; the lower of both
            galleries.
    """

    queries: int = Field(ge=1)
    least_cosine: float = Field(ge=-1.001, le=1.001)  # sums in fp32 may end a little above 1
    mean_cosine: float = Field(ge=-1.001, le=1.001)
    fp32: Recall
    int8: Recall
    int8_in_fp32: Recall
    top1_agreement: Share


class Int8Proof(StrictModel):
    """Figures, and what they speak of.

    Attributes:
        fingerprint: Of the float encoder: its weights, preprocessing and architecture.
        model_sha256: Of the int8 graph's ``.xml``.
        weights_sha256: Of the int8 graph's ``.bin``.
        pictures: Whose cards; ``mixed`` where invented ones made up the number.
        figures: What was measured.
    """

    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    model_sha256: Sha256
    weights_sha256: Sha256
    pictures: SampleSource
    figures: Int8Figures


class Int8Graph(StrictModel):
    """The tower as an int8 graph of OpenVINO, and what that costs.

    Attributes:
        graph: Its files.
        golden: The graph's own vector of the manifest's golden picture, for other processors to reproduce.
        proof: Belongs to exactly these files.
    """

    graph: Graph
    golden: Annotated[tuple[float, ...], Field(strict=False, min_length=1)]
    proof: Int8Proof


def shortfalls(figures: Int8Figures) -> list[str]:
    """Every tolerance that the figures miss, in words; none for an encoder as good as its fp32 original."""
    lost_at_50 = figures.fp32.at_50 - min(figures.int8.at_50, figures.int8_in_fp32.at_50)
    judged = (
        (figures.queries >= LEAST_QUERIES, f"{figures.queries} photos are too few, at least {LEAST_QUERIES}"),
        (
            min(figures.least_cosine, figures.mean_cosine) >= LEAST_COSINE,
            f"cosine to fp32 {figures.least_cosine:.4f} at least, {figures.mean_cosine:.4f} on average, "
            f"needed {LEAST_COSINE}",
        ),
        (
            figures.top1_agreement >= LEAST_TOP1_AGREEMENT,
            f"the first card agrees for {figures.top1_agreement:.2%}, needed {LEAST_TOP1_AGREEMENT:.1%}",
        ),
        (
            lost_at_50 <= MOST_RECALL_LOSS_AT_50 + 1e-9,  # differences of shares are not exact
            f"recall@50 loses {lost_at_50:.2%}, allowed {MOST_RECALL_LOSS_AT_50:.1%}",
        ),
    )
    return [complaint for holds, complaint in judged if not holds]


def broken_bond(int8: Int8Graph, fingerprint: str) -> str | None:
    """Why a proof does not speak for these files and these weights; None where it does.

    Args:
        int8: As the manifest states it; loading compares the files with their hashes.
        fingerprint: Of the float encoder beside it.
    """
    proof = int8.proof
    if proof.fingerprint != fingerprint:
        return "its proof is of other weights or another preprocessing"
    if (proof.model_sha256, proof.weights_sha256) != (int8.graph.model.sha256, int8.graph.weights.sha256):
        return "its proof is of another int8 graph"
    missed = shortfalls(proof.figures)
    return "; ".join(missed) or None
