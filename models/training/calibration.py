"""Fits the confidences of an encoder: ``python -m models.training.calibration``.

Invented cards of a catalogue of their own are photographed by the training simulator and looked up in a
gallery of that catalogue. Half of the looks are made with every printing of the card's picture masked: there
the right answer is that the card is unknown. A logistic regression on similarity and margin, with weights of
at least zero, says how likely the leader's picture is right; thresholds follow from the shares stated in
``ACCEPT_PRECISION`` and ``UNKNOWN_RECALL``. One half of the artworks is fitted on, the other half reports.
Galleries with a space (``app.domain.space``) get constants of their own, from the same photos in a space that
is fitted on the whole catalogue.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.domain.calibration import Calibration, logistic, save_calibrations
from app.domain.ranking import Ranking, rank
from app.domain.scoring import expected_calibration_error
from app.domain.space import Moments, fit_space
from app.domain.types import RgbImage, TemplateHit, Vectors
from app.inference.encoder import LoadedEncoder
from app.inference.loading import load_encoder
from app.services.gallery_import import TEMPLATE_SOURCES, template_views
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.views import photographed_view

#: No other part of the project uses this catalogue.
CATALOGUE_SEED = 3
ARTWORKS = 1000
QUERIES = 2000
CARD_HEIGHT_PX = 528
TOP_K = 50
#: Artworks in the gallery of a look, each as often: a margin means more in a large gallery than in a small
#: one, and the confidences must be honest in both.
GALLERY_ARTWORKS = (40, 200, 1000)
#: Photos from easy (0) to hard (1), evenly.
STRENGTHS = (0.0, 1.0)
BATCH = 64
#: Of the answers called ``accepted``, this share shows the right picture.
ACCEPT_PRECISION = 0.998
#: A printing is ``accepted`` when it is this likely.
ACCEPT_PRINTING = 0.9
#: Of the cards that are in no gallery, this share is called ``unknown``.
UNKNOWN_RECALL = 0.9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Look:
    """One photo looked up in the gallery: what was found, and whether it is right."""

    ranking: Ranking
    artwork_right: bool
    printing_right: bool
    masked: bool
    artwork_index: int


@dataclass(frozen=True, slots=True)
class Photos:
    """Photos of cards, and the galleries they are looked up in.

    Attributes:
        cards: The whole catalogue.
        templates: Vectors of three templates a card, in card order.
        queries: Vectors of the photos.
        shown: Of each photo the card it shows.
        galleries: Of each photo the artworks that are in its gallery beside the card's own.
    """

    cards: Sequence[InventedCard]
    templates: Vectors
    queries: Vectors
    shown: NDArray[np.int_]
    galleries: Sequence[NDArray[np.int_]]


def photograph(encoder: LoadedEncoder, cards: Sequence[InventedCard], seed: int) -> Photos:
    """Photographs cards, some several times, and draws a gallery for each photo."""
    rng = np.random.default_rng(seed)
    pictures = [draw_card(card, CARD_HEIGHT_PX) for card in cards]
    artworks = len({card.artwork_id for card in cards})
    shown = rng.integers(len(cards), size=QUERIES)
    views = [photographed_view(pictures[i], rng, strength=rng.uniform(*STRENGTHS)) for i in shown]
    galleries = [rng.permutation(artworks)[: int(rng.choice(GALLERY_ARTWORKS))] for _ in shown]
    return Photos(cards, _templates(encoder, pictures), _encode(encoder, views), shown, galleries)


def moved_into_space(photos: Photos, exponent: float) -> Photos:
    """The same photos as a gallery of the whole catalogue sees them that has a space."""
    moments = Moments(photos.templates.shape[1])
    moments.add(photos.templates[:: len(TEMPLATE_SOURCES)])
    space = fit_space(moments, exponent)
    return replace(photos, templates=space.apply(photos.templates), queries=space.apply(photos.queries))


def collect_looks(photos: Photos) -> list[Look]:
    """Looks every photo up, with and without the card's own picture in the gallery."""
    cards = photos.cards
    artwork_ids = list(dict.fromkeys(card.artwork_id for card in cards))
    group_of = np.array([artwork_ids.index(card.artwork_id) for card in cards])
    looks = []
    for vector, index, gallery in zip(photos.queries, photos.shown, photos.galleries, strict=True):
        own = int(group_of[index])
        for masked in (False, True):
            there = np.isin(group_of, gallery) & (group_of != own) | ((group_of == own) & (not masked))
            ranking = _look_up(photos.templates @ vector, cards, group_of, there)
            best = ranking.best
            looks.append(
                Look(
                    ranking=ranking,
                    artwork_right=best is not None and best.artwork_group_id == own,
                    printing_right=best is not None and best.card == cards[index].card,
                    masked=masked,
                    artwork_index=own,
                )
            )
    return looks


def _templates(encoder: LoadedEncoder, pictures: Sequence[RgbImage]) -> Vectors:
    """Three templates a card, as an import makes them, in card order."""
    views = []
    for index, picture in enumerate(pictures):
        views.extend(template_views(picture, f"{index:08x}"))
    return _encode(encoder, views)


def _encode(encoder: LoadedEncoder, views: Sequence[RgbImage]) -> Vectors:
    parts = [encoder.encode_now(views[start : start + BATCH]) for start in range(0, len(views), BATCH)]
    return np.concatenate(parts)


def _look_up(
    similarities: NDArray[np.float32],
    cards: Sequence[InventedCard],
    group_of: NDArray[np.int_],
    there: NDArray[np.bool_],
) -> Ranking:
    """What the database's search and the ranking after it would give in a gallery of the cards ``there``."""
    views = len(TEMPLATE_SOURCES)
    usable = np.where(np.repeat(there, views), similarities, -np.inf)
    order = np.argsort(-usable)[:TOP_K]
    hits = [
        TemplateHit(
            0,
            cards[place // views].card,
            int(group_of[place // views]),
            float(usable[place]),
            TEMPLATE_SOURCES[place % views],
        )
        for place in order
        if np.isfinite(usable[place])
    ]
    return rank(hits)


def fit(looks: Sequence[Look]) -> Calibration:
    """Fits weights by maximum likelihood and thresholds by their targets."""
    evidence = np.array([[1.0, look.ranking.margin, look.ranking.similarity] for look in looks])
    right = np.array([look.artwork_right for look in looks], dtype=np.float64)
    bias, margin_weight, similarity_weight = fit_logistic(evidence, right)
    probability = np.array([logistic(float(x)) for x in evidence @ (bias, margin_weight, similarity_weight)])
    masked = np.array([look.masked for look in looks])
    accept_card = _threshold_for_precision(probability, right.astype(bool), ACCEPT_PRECISION)
    return Calibration(
        bias=round(bias, 4),
        margin_weight=round(margin_weight, 4),
        similarity_weight=round(similarity_weight, 4),
        printing_temperature=_fit_temperature(looks),
        accept_card=round(accept_card, 4),
        accept_printing=ACCEPT_PRINTING,
        known_at=round(min(accept_card, float(np.quantile(probability[masked], UNKNOWN_RECALL))), 4),
    )


def fit_logistic(evidence: Floats, right: Floats, steps: int = 100) -> tuple[float, float, float]:
    """Logistic regression with weights of at least zero after the intercept.

    Newton's method; a weight that would fall below zero is held there and the others are fitted again.

    Args:
        evidence: (looks, 3), the first column ones.
        right: (looks,), 0 or 1.
        steps: Most Newton steps.
    """
    free = [0, 1, 2]
    weights = np.zeros(3)
    while True:
        columns = evidence[:, free]
        solution = np.zeros(len(free))
        for _ in range(steps):
            p = 1.0 / (1.0 + np.exp(-np.clip(columns @ solution, -30, 30)))
            gradient = columns.T @ (right - p) - 1e-3 * solution
            hessian = (columns * (p * (1 - p))[:, None]).T @ columns + 1e-3 * np.eye(len(free))
            step = np.linalg.solve(hessian, gradient)
            solution += step
            if np.abs(step).max() < 1e-9:
                break
        negative = [name for name, value in zip(free, solution, strict=True) if name and value < 0]
        if not negative:
            weights[free] = solution
            return float(weights[0]), float(weights[1]), float(weights[2])
        free = [name for name in free if name not in negative]


def _threshold_for_precision(probability: Floats, right: NDArray[np.bool_], precision: float) -> float:
    """The least probability from which on the answers reach the precision."""
    order = np.argsort(-probability)
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(shares >= precision)
    return float(probability[order[reached[-1]]]) if len(reached) else 1.0


def _fit_temperature(looks: Sequence[Look]) -> float:
    """The temperature under which the right printing of a picture is likeliest, from a fixed ladder."""
    groups = []
    for look in looks:
        best = look.ranking.best
        if best is None or not look.artwork_right or look.masked:
            continue
        members = [r for r in look.ranking.cards if r.artwork_group_id == best.artwork_group_id]
        if len(members) > 1:
            gaps = np.array([member.similarity - best.similarity for member in members])
            groups.append((gaps, look.printing_right))
    ladder = np.geomspace(0.002, 0.5, 40)
    losses = [_printing_loss(groups, float(temperature)) for temperature in ladder]
    return round(float(ladder[int(np.argmin(losses))]), 4)


def _printing_loss(groups: Sequence[tuple[Floats, bool]], temperature: float) -> float:
    loss = 0.0
    for gaps, right in groups:
        share = min(1.0 / np.exp(gaps / temperature).sum(), 1.0 - 1e-9)
        loss -= np.log(share if right else 1.0 - share)
    return loss


def report(calibration: Calibration, looks: Sequence[Look]) -> dict[str, float]:
    """How the constants do on looks they were not fitted on."""
    confidence = [calibration.card_probability(x.ranking.similarity, x.ranking.margin) for x in looks]
    accepted = [p >= calibration.accept_card for p in confidence]
    known = [not look.masked for look in looks]
    right = [look.artwork_right for look in looks]
    called_unknown = [p < calibration.known_at for p in confidence]
    return {
        "looks": len(looks),
        "artwork_right_of_known": float(np.mean([r for r, k in zip(right, known, strict=True) if k])),
        "accepted_precision": float(np.mean([r for r, a in zip(right, accepted, strict=True) if a])),
        "known_accepted": float(np.mean([a for a, k in zip(accepted, known, strict=True) if k])),
        "known_called_unknown": float(np.mean([u for u, k in zip(called_unknown, known, strict=True) if k])),
        "unknown_called_unknown": float(
            np.mean([u for u, k in zip(called_unknown, known, strict=True) if not k])
        ),
        "unknown_accepted": float(np.mean([a for a, k in zip(accepted, known, strict=True) if not k])),
        "ece": expected_calibration_error(confidence, right) or 0.0,
    }


def fit_and_report(title: str, photos: Photos) -> Calibration:
    """Fits on one half of the artworks and prints how that does on the other."""
    looks = collect_looks(photos)
    calibration = fit([look for look in looks if look.artwork_index % 2 == 0])
    print(f"{title}: {calibration}")
    for name, value in report(calibration, [look for look in looks if look.artwork_index % 2]).items():
        print(f"{name:24} {value:.4f}")
    return calibration


def main() -> None:
    """Fits and writes ``calibration.json`` beside the encoder's weights."""
    parser = argparse.ArgumentParser(description="Fits the confidences of an encoder on invented cards.")
    parser.add_argument("folder", type=Path, help="encoder folder, for example models/compact")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    encoder = load_encoder(arguments.folder)
    photos = photograph(encoder, invent_catalogue(CATALOGUE_SEED, ARTWORKS), arguments.seed)
    plain, in_space = fit_and_report("without a space", photos), None
    exponent = encoder.info.whitening_exponent
    if exponent:
        in_space = fit_and_report("in a space", moved_into_space(photos, exponent))
    save_calibrations(plain, in_space, arguments.folder)


if __name__ == "__main__":
    main()
