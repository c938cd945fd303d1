"""Fits the confidences of an encoder: ``python -m models.training.calibration``.

Invented cards of a catalogue of their own are photographed by the training simulator and looked up in a
gallery of that catalogue (``models.training.looks``). Half of the looks are made with every printing of the
card's picture masked: there the right answer is that the card is unknown. A logistic regression
(``models.training.logistic``) says how likely the leader's picture is right; thresholds follow from the
shares stated in ``ACCEPT_PRECISION`` and ``UNKNOWN_RECALL``. Once pictures were compared, the leader's
similarity is worth nothing: the encoder has been trained on photos like these, so here it seems to say more
than it does on others (docs/experiments.md, experiment 39). What is printed is fitted on one half of the
artworks and asked on the other; what is written is fitted on both. Answers that were verified by reference
pictures get constants of their own, beside those of answers that were not; so do galleries with a space
(``app.domain.space``), fitted on the whole catalogue.

``--any-encoder`` fits what holds for every encoder instead: the pictures that the search found are compared,
and what the search said about them counts for nothing. It prints ``app.domain.calibration.PICTURES_ALONE``.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.domain.calibration import (
    ACCEPT_PRECISION,
    LEAST_PRINTING,
    PRINTING_PRECISION,
    UNCALIBRATED,
    UNKNOWN_RECALL,
    UNKNOWN_SHARE,
    Calibration,
    Calibrations,
    logistic,
)
from app.domain.calibration_file import save_calibrations
from app.domain.ranking import Ranking
from app.domain.scoring import expected_calibration_error
from app.domain.types import Status
from app.inference.loading import load_encoder
from app.services.comparing import Compared
from app.synthesis.catalogue import InventedCard, invent_catalogue
from models.training.logistic import fit_logistic, likeliest_share
from models.training.looks import (
    Look,
    Photos,
    collect_looks,
    compare_looks,
    moved_into_space,
    photograph,
    verified_looks,
)
from models.training.printing_fit import (
    TEMPERATURES,
    PrintingWeights,
    fit_printings,
    loss,
    printings,
    temperature_of,
    was_compared,
    weighed,
)
from models.training.texts import weigh_text

#: No other part of the project uses this catalogue.
CATALOGUE_SEED = 3
ARTWORKS = 3000
#: Many pictures are printed more than once, some six times in frames, foils and languages: printings are
#: fitted on those alone, and the printings of one picture crowd a gallery as they do in real ones.
REPRINT_SHARE, FOIL_SHARE, LANGUAGE_SHARE, REPRINTS_MOST = 0.4, 0.2, 0.2, 3
#: Share of the looks in which another picture may show all the evidence of the right one (the same backdrop
#: in the same frame); the likeliest is taken (docs/experiments.md, experiment 41).
LOOKALIKE_SHARES = (0.0, 0.001, 0.002, 0.003, 0.005, 0.01)
#: The similarity that an agreement of 1 is worth where an encoder's own are of unknown size: more than all of
#: them together.
PICTURES_FIRST = 100.0
_AGREEMENTS = np.concatenate([[0.0], np.geomspace(0.1, 6.0, 24)])

_SIMILARITY = 2  # its column of the evidence

Floats = NDArray[np.float64]


def fit(looks: Sequence[Look], agreement: float = 0.0) -> Calibration:
    """Fits weights by maximum likelihood and thresholds by their targets.

    Args:
        looks: Verified ones, where ``agreement`` is given.
        agreement: The similarity that an agreement of 1 was worth in them.
    """
    weights = fit_printings(looks) if agreement else PrintingWeights()
    evidence = np.array([_evidence(look.ranking) for look in looks])
    if agreement:
        evidence[:, _SIMILARITY] = 0.0
    right = np.array([look.artwork_right for look in looks], dtype=np.float64)
    lookalikes = likeliest_share(evidence, right, LOOKALIKE_SHARES)
    bias, *slopes = (round(value, 4) for value in fit_logistic(evidence, right, lookalikes))
    probability = np.array([logistic(float(x)) for x in evidence @ np.array([bias, *slopes])])
    masked = np.array([look.masked for look in looks])
    share = np.where(masked, UNKNOWN_SHARE / (1.0 - UNKNOWN_SHARE), 1.0)  # there are as many of both here
    # A printing is no likelier than its picture, so a lower threshold would only settle pictures in doubt.
    accept_card = max(
        LEAST_PRINTING, _threshold_for_precision(probability, right.astype(bool), ACCEPT_PRECISION, share)
    )
    plain = temperature_of(looks) or UNCALIBRATED.printing_temperature
    calibration = Calibration(
        bias=bias,
        margin_weight=slopes[0],
        similarity_weight=slopes[1],
        agreement_weight=slopes[2],
        printing_temperature=temperature_of([one for one in looks if not was_compared(one)]) or plain,
        accept_card=round(accept_card, 4),
        accept_printing=1.0,
        known_at=round(min(accept_card, float(np.quantile(probability[masked], UNKNOWN_RECALL))), 4),
        standing_agreement=agreement,
        difference_nats=weights.difference_nats,
        compared_temperature=weights.compared_temperature,
        unclear_temperature=weights.unclear_temperature,
    )
    ranked = [weighed(look, calibration) for look in looks]
    return replace(calibration, accept_printing=_fit_accept_printing(calibration, ranked))


def _fit_accept_printing(calibration: Calibration, looks: Sequence[Look]) -> float:
    """The least probability of a printing from which on accepted answers reach the precision."""
    confidences = [calibration.confidence(look.ranking, len(look.ranking.members())) for look in looks]
    sure = [place for place, one in enumerate(confidences) if one.card >= calibration.accept_card]
    printing = np.array([confidences[place].printing for place in sure])
    right = np.array([_names_the_printing(looks[place]) for place in sure], dtype=bool)
    return round(max(LEAST_PRINTING, _threshold_for_precision(printing, right, PRINTING_PRECISION)), 4)


def _names_the_printing(look: Look) -> bool:
    best = look.ranking.best
    return best is not None and not look.masked and best.card.card_id == look.card_id


def _evidence(ranking: Ranking) -> tuple[float, ...]:
    """What speaks for the leader, each the more the greater."""
    return (
        1.0,
        math.sqrt(ranking.margin),
        ranking.similarity,
        ranking.agreement_lead,
    )


def _threshold_for_precision(
    probability: Floats, right: NDArray[np.bool_], precision: float, counts: Floats | None = None
) -> float:
    """The least probability from which on the answers reach the precision; each may count more or less."""
    order = np.argsort(-probability)
    counted = np.ones(len(order)) if counts is None else counts[order]
    shares = np.cumsum(right[order] * counted) / np.cumsum(counted)
    reached = np.flatnonzero(shares >= precision)
    return float(probability[order[reached[-1]]]) if len(reached) else 1.0


def _fit_agreement(looks: Sequence[Look], agreements: Sequence[Compared]) -> float:
    """The similarity that an agreement of 1 is worth, under which the right pictures are likeliest."""
    cases = []
    for look, agreed in zip(looks, agreements, strict=True):
        leaders = [one for one in look.ranking.cards if one.artwork_group_id in agreed.agreements]
        first = {one.artwork_group_id: one.similarity for one in reversed(leaders)}
        if not look.masked and look.artwork in first and len(first) > 1:
            groups = list(first)
            fits = np.array([agreed.agreements[group].agreement for group in groups])
            cases.append((np.array(list(first.values())), fits, groups.index(look.artwork)))
    best = min(
        (float(np.mean([loss((s + weight * a) / t, own) for s, a, own in cases])), float(weight))
        for weight in _AGREEMENTS
        for t in TEMPERATURES
    )
    return round(best[1], 4)


def report(calibration: Calibration, looks: Sequence[Look]) -> dict[str, float]:
    """How the constants do on looks they were not fitted on."""
    confidence = np.array([calibration.card_probability(look.ranking) for look in looks])
    known = np.array([not look.masked for look in looks])
    right = np.array([look.artwork_right for look in looks])
    accepted, unknown = confidence >= calibration.accept_card, confidence < calibration.known_at
    groups = printings(looks, lambda one: one.standing)
    answered = [
        calibration.status(calibration.confidence(look.ranking, len(look.ranking.members())))
        for look in looks
    ]
    taken = [look for look, status in zip(looks, answered, strict=True) if status is Status.ACCEPTED]
    return {
        "looks": len(looks),
        "artwork_right_of_known": float(right[known].mean()),
        "printing_right_in_groups": float(
            np.mean([values.argmax() == own for values, own in groups] or [1.0])
        ),
        "accepted_precision": float(right[accepted].mean()),
        "known_picture_accepted": float(accepted[known].mean()),
        "known_accepted": sum(not look.masked for look in taken) / max(int(known.sum()), 1),
        "accepted_printing_precision": float(
            np.mean([_names_the_printing(look) for look in taken] or [True])
        ),
        "known_called_unknown": float(unknown[known].mean()),
        "unknown_called_unknown": float(unknown[~known].mean()),
        "unknown_accepted": float(accepted[~known].mean()),
        "ece": expected_calibration_error(confidence.tolist(), right.tolist()) or 0.0,
    }


def fit_and_report(title: str, photos: Photos) -> tuple[Calibration, Calibration]:
    """Fits without and with verification; prints how a fit on half of the artworks does on the other half."""
    looks = collect_looks(photos)
    mine, others = ([look.artwork % 2 == part for look in looks] for part in (0, 1))
    plain = fit(looks)
    _print(title, fit(list(compress(looks, mine))), list(compress(looks, others)))
    agreements = compare_looks(photos, looks)
    worth = _fit_agreement(list(compress(looks, mine)), list(compress(agreements, mine)))
    compared = verified_looks(photos, looks, agreements, worth)
    half = fit(list(compress(compared, mine)), worth)
    _print(f"{title}, verified", half, [weighed(look, half) for look in compress(compared, others)])
    checked = fit(compared, worth)
    return plain, weigh_text(
        title, checked, photos, [weighed(look, checked) for look in compared], agreements
    )


def fit_pictures_alone(photos: Photos) -> Calibration:
    """Constants for what pictures say, whichever encoder found them; prints as ``fit_and_report`` does."""
    looks = collect_looks(photos)
    agreements = compare_looks(photos, looks)
    blind = [replace(look, ranking=_without_similarities(look.ranking)) for look in looks]
    compared = verified_looks(photos, blind, agreements, PICTURES_FIRST)
    mine, others = ([look.artwork % 2 == part for look in looks] for part in (0, 1))
    half = _fit_blind(list(compress(compared, mine)))
    _print("pictures alone", half, [weighed(look, half) for look in compress(compared, others)])
    checked = _fit_blind(compared)
    return weigh_text(
        "pictures alone", checked, photos, [weighed(look, checked) for look in compared], agreements
    )


def _fit_blind(looks: Sequence[Look]) -> Calibration:
    """Printings that were not compared are all the same to it, as nothing is known of similarities."""
    return replace(fit(looks, PICTURES_FIRST), printing_temperature=float(TEMPERATURES[-1]))


def _without_similarities(ranking: Ranking) -> Ranking:
    cards = tuple(replace(one, similarity=0.0) for one in ranking.cards)
    return replace(ranking, cards=cards, margin=0.0)


def _print(title: str, calibration: Calibration, looks: Sequence[Look]) -> None:
    print(f"{title}: {calibration}")
    for name, value in report(calibration, looks).items():
        print(f"{name:24} {value:.4f}")


def _catalogue() -> list[InventedCard]:
    return invent_catalogue(
        CATALOGUE_SEED,
        ARTWORKS,
        reprint_share=REPRINT_SHARE,
        foil_share=FOIL_SHARE,
        language_share=LANGUAGE_SHARE,
        reprints_most=REPRINTS_MOST,
    )


def main() -> None:
    """Fits and writes ``calibration.json`` beside the encoder's weights."""
    parser = argparse.ArgumentParser(description="Fits the confidences of an encoder on invented cards.")
    parser.add_argument("folder", type=Path, help="encoder folder, for example models/compact")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--any-encoder", action="store_true", help="print what holds for every encoder")
    arguments = parser.parse_args()
    encoder = load_encoder(arguments.folder)
    photos = photograph(encoder, _catalogue(), arguments.seed)
    if arguments.any_encoder:
        print(fit_pictures_alone(photos))
        return
    plain, verified = fit_and_report("without a space", photos)
    calibrations = Calibrations(plain, UNCALIBRATED, verified)
    exponent = encoder.info.whitening_exponent
    if exponent:
        in_space, verified = fit_and_report("in a space", moved_into_space(photos, exponent))
        calibrations = replace(calibrations, in_space=in_space, verified_in_space=verified)
    save_calibrations(calibrations, arguments.folder)


if __name__ == "__main__":
    main()
