"""What labelled scans say about confidences: which answers count, and how their printings stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from app.domain.adjustment import Adjustment
from app.domain.calibration import (
    ACCEPT_PRECISION,
    PRINTING_PRECISION,
    UNCALIBRATED,
    UNKNOWN_RECALL,
    Calibration,
)
from app.domain.labels import LabelledCard, LabelledScan, write_labels
from app.domain.ranking import RankedCard, Ranking
from app.domain.scoring import ScanScore, TrueCard, score_scan
from app.domain.types import (
    AnswerKind,
    Candidate,
    Card,
    Confidence,
    CropQuality,
    Identification,
    Quad,
    Status,
    TemplateSource,
)
from app.services.evaluate import EvaluateService
from app.services.page_context import NEIGHBOURS_NATS
from app.services.refit import labelled_answers, targets_of
from app.settings import Settings
from tests.fakes.service import CARD_HEIGHT_PX, CARD_WIDTH_PX, fake_service, page_png

SQUARE: Quad = np.array([[0, 0], [63, 0], [63, 88], [0, 88]], dtype=np.float64)


def quad(place: int) -> Quad:
    """Where ``page_png`` puts a card."""
    left, top = 40 + 150 * place, 30
    right, bottom = left + CARD_WIDTH_PX, top + CARD_HEIGHT_PX
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


async def scores_of(tmp_path: Path, cards: tuple[LabelledCard, ...]) -> list[ScanScore]:
    (tmp_path / "page.png").write_bytes(page_png(1, 5, 2))
    write_labels(tmp_path / "page.json", LabelledScan("page.png", cards))
    async with fake_service(Settings(_env_file=None, data_dir=tmp_path)) as service:
        runtime = service.runtime
        report = await EvaluateService(runtime.identify, runtime.gallery, runtime.guard).run(
            [tmp_path / "page.json"]
        )
    return report.scores


async def test_every_labelled_answer_counts_and_cards_of_no_gallery_as_wrong(tmp_path: Path) -> None:
    cards = (
        LabelledCard("em1-001", None, quad(0), True),
        LabelledCard("em2-006", None, quad(1), True),
        LabelledCard(None, None, quad(2), False),
    )
    answers = sorted(labelled_answers(await scores_of(tmp_path, cards)), key=lambda one: one.picture)
    stranger, first, reprint = answers
    assert (first.kind, first.picture, first.picture_right) == (AnswerKind.PLAIN, "em1-001", True)
    assert first.odds is None
    # Named by the first of its printings, whichever was photographed: they show one picture.
    assert (reprint.picture, reprint.picture_right) == ("em1-005", True)
    assert reprint.odds is not None
    assert Adjustment().of(reprint).printing == pytest.approx(reprint.printing)
    assert (stranger.picture_right, stranger.printing_right, stranger.known) == (False, False, False)


async def test_labels_without_corners_say_nothing_about_confidence(tmp_path: Path) -> None:
    cards = (LabelledCard("em1-001"), LabelledCard("em1-002"))
    [score] = await scores_of(tmp_path, cards)
    assert score.found == 2
    assert labelled_answers([score]) == []


def answer(calibration: Calibration, ranking: Ranking, listed: int, group_size: int) -> Identification:
    leader = calibration.confidence(ranking, group_size)
    candidates = tuple(
        Candidate(
            one.card,
            one.artwork_group_id,
            0.5,
            calibration.candidate_probability(ranking, one, leader, group_size),
            TemplateSource.OFFICIAL,
            neighbours=one.neighbours,
        )
        for one in ranking.cards[:listed]
    )
    return Identification(
        UUID(int=0), SQUARE, 0, None, Status.REVIEW, candidates[0].card, leader, candidates, (),
        CropQuality(1.0, 0.0, 500), kind=AnswerKind.PLAIN,
    )  # fmt: skip


@pytest.mark.parametrize("group_size", [3, 6])
def test_the_printings_move_as_a_new_temperature_moves_them(group_size: int) -> None:
    calibration = replace(UNCALIBRATED, bias=-6.0, printing_temperature=0.03)

    def found(temperature: float) -> Ranking:
        cards = []
        for card_id, similarity, share in (("a", 0.80, 0.0), ("b", 0.79, 0.4), ("c", 0.77, 0.2)):
            worth = NEIGHBOURS_NATS * temperature * share
            one = RankedCard(Card(card_id, card_id), 1, similarity, TemplateSource.OFFICIAL, bonus=worth)
            cards.append(replace(one, neighbours=share))
        cards.sort(key=lambda one: -one.standing)
        return Ranking((*cards, RankedCard(Card("z", "z"), 2, 0.4, TemplateSource.OFFICIAL)), margin=0.3)

    # Neighbours turn the order in both, so that the same printing leads.
    colder = Adjustment(printing_scale=1.2)
    changed = colder.constants(calibration)
    truth = TrueCard("a", SQUARE, True, frozenset(f"{name}" for name in "abcdef"[:group_size]))
    score = score_scan([answer(calibration, found(0.03), 4, group_size)], [truth])
    [labelled] = labelled_answers([score])
    after = changed.confidence(found(changed.printing_temperature), group_size)
    assert abs(labelled.printing - after.printing) > 1e-4
    assert colder.of(labelled).printing == pytest.approx(after.printing)


def test_a_detection_that_found_nothing_has_no_confidence_to_fit() -> None:
    nothing = replace(
        answer(
            UNCALIBRATED, Ranking((RankedCard(Card("a", "a"), 1, 0.9, TemplateSource.OFFICIAL),), 0.5), 1, 1
        ),
        confidence=Confidence(0.0, 0.0),
        candidates=(),
    )
    score = score_scan([nothing], [TrueCard("a", SQUARE, True)])
    assert (score.found, labelled_answers([score])) == (1, [])


def test_the_targets_of_the_settings_are_those_that_encoders_are_fitted_for() -> None:
    targets = targets_of(Settings(_env_file=None))
    assert (targets.picture, targets.printing, targets.unknown) == (
        ACCEPT_PRECISION,
        PRINTING_PRECISION,
        UNKNOWN_RECALL,
    )
