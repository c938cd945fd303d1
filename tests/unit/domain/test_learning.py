"""What is learnt from corrections, decided from all that have not been taken back."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.correction_types import CorrectionStatus, Verdict
from app.domain.learning import judge
from app.domain.learning_types import LearningLimits, Study, Support
from tests.fakes.studies import LEARNED, QUARANTINED, REJECTED, decided, direction, study


def test_a_backed_correction_becomes_a_template() -> None:
    (decision,) = decided([study(1)])
    assert decision.status is LEARNED
    assert decision.is_template


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        ({"complaint": "the crop is too blurred to learn from"}, REJECTED, "blurred"),
        ({"support": Support.UNBACKED}, QUARANTINED, "second person"),
        ({"support": Support.OPPOSED, "rival": "Mew (m-1)"}, QUARANTINED, "Mew (m-1)"),
        ({"taken_from": ("x", "y", "z")}, REJECTED, "3 other cards"),
        ({"taken_from": ("x",)}, REJECTED, "taken for x"),
    ],
)
def test_what_is_refused_says_why(found: dict[str, object], status: CorrectionStatus, said: str) -> None:
    (decision,) = decided([study(1, **found)])
    assert decision.status is status
    assert said in decision.reason
    assert not decision.is_template


@pytest.mark.parametrize("support", [Support.UNBACKED, Support.OPPOSED])
def test_a_second_person_who_says_the_same_frees_what_waits(support: Support) -> None:
    first, second = study(1, support=support), study(2, person="q", support=support)
    second = replace(second, subject=first.subject, vector=first.vector)
    decisions = decided([first, second])
    assert decisions[0].is_template
    assert (decisions[1].status, decisions[1].is_template) == (LEARNED, False)  # the same crop again
    same_person = replace(second, person="p")
    assert decided([first, same_person])[0].status is QUARANTINED


def test_people_who_contradict_each_other_wait_until_most_say_one_thing() -> None:
    first = study(1, "a", "p")
    others = [replace(study(n, "b", f"q{n}"), subject=first.subject) for n in (2, 3)]
    decisions = decided([first, others[0]])
    assert [one.status for one in decisions] == [QUARANTINED, QUARANTINED]
    assert "that it is b" in decisions[0].reason
    settled = decided([first, *others])
    assert settled[0].status is REJECTED
    assert "2 people say that it is b" in settled[0].reason
    assert settled[1].is_template


def test_the_last_word_of_a_person_counts_and_the_first_time_it_was_said() -> None:
    said = [study(1, "a"), study(2, "b"), study(3, "b")]
    said = [replace(one, subject="crop") for one in said]
    decisions = decided(said)
    assert [one.status for one in decisions] == [REJECTED, LEARNED, REJECTED]
    assert "later correction" in decisions[0].reason
    assert "before" in decisions[2].reason


def test_what_shows_no_more_than_a_template_is_evidence_and_no_template() -> None:
    (decision,) = decided([study(1, own_similarity=0.99)])
    assert decision.status is LEARNED
    assert not decision.is_template
    assert "no more than a template" in decision.reason
    first = study(1)
    again = study(2, vector=direction(7, first.vector, 0.99))
    assert [one.is_template for one in decided([first, again])] == [True, False]


def test_a_card_that_has_left_the_gallery_is_not_learnt() -> None:
    (decision,) = decided([replace(study(1), artwork_group_id=None)])
    assert decision.status is REJECTED
    assert "removed" in decision.reason


def test_a_template_that_spoils_a_confirmed_photo_of_another_card_is_refused() -> None:
    photo = study(1, "a", own_similarity=0.6, rival_similarity=0.5)
    taking = study(2, "b", vector=direction(9, photo.vector, 0.8))
    harmless = study(3, "b", vector=direction(9, photo.vector, 0.55))
    decisions = decided([photo, taking, harmless])
    assert [one.status for one in decisions] == [LEARNED, REJECTED, LEARNED]
    assert "photo of a" in decisions[1].reason


def test_photos_of_one_camera_that_are_all_alike_do_not_spoil_each_other() -> None:
    camera = direction(99)
    photos = [
        study(number, chr(97 + number), vector=direction(number, camera, 0.85), own_similarity=0.6)
        for number in range(1, 16)
    ]
    assert {one.status for one in decided(photos)} == {LEARNED}
    taking = study(16, "z", vector=direction(16, photos[3].vector, 0.97))
    refused = decided([*photos, taking])[-1]
    assert (refused.status, "photo of e" in refused.reason) == (REJECTED, True)


def test_names_that_a_person_gave_up_do_not_make_a_likeness_common() -> None:
    photo = study(1, "a", own_similarity=0.6, rival_similarity=0.5)
    given_up = [
        replace(study(number, chr(97 + number), "m", photo.vector), subject="theirs")
        for number in range(2, 14)
    ]
    taking = study(20, "z", "m", vector=direction(9, photo.vector, 0.8))
    decisions = decided([photo, *given_up, taking])
    assert (decisions[-1].status, "photo of a" in decisions[-1].reason) == (REJECTED, True)


def test_a_photo_that_was_answered_wrongly_anyway_is_not_spoilt() -> None:
    photo = study(1, "a", own_similarity=0.4, rival_similarity=0.7)
    other = study(2, "b", vector=direction(9, photo.vector, 0.8))
    assert [one.is_template for one in decided([photo, other])] == [True, True]


def test_printings_of_one_picture_do_not_spoil_each_other() -> None:
    photo = study(1, "a1", own_similarity=0.6)
    other = study(2, "a2", vector=direction(9, photo.vector, 0.9))
    assert [one.is_template for one in decided([photo, other])] == [True, True]


def test_of_one_card_the_most_useful_templates_are_kept() -> None:
    limits = LearningLimits(templates_per_card=3)
    first = study(1)
    alike = study(2, vector=direction(7, first.vector, 0.95))
    others = [study(3), study(4)]
    decisions = decided([first, alike, *others], limits)
    assert all(one.status is LEARNED for one in decisions)
    assert [one.is_template for one in decisions] == [True, False, True, True]
    assert "3 other templates" in decisions[1].reason
    surprising = replace(alike, findings=replace(alike.findings, surprises=True))
    assert decided([first, surprising, *others], limits)[1].is_template


def test_a_person_is_heard_so_often_in_a_day() -> None:
    limits = LearningLimits(corrections_per_day=2)
    studies = [study(1), study(2), study(3), study(4, person="q"), replace(study(5), day=date(2026, 11, 27))]
    decisions = decided(studies, limits)
    assert [one.status for one in decisions] == [LEARNED, LEARNED, REJECTED, LEARNED, LEARNED]
    assert "2 corrections in one day" in decisions[2].reason


def test_crops_of_one_unknown_card_share_a_number() -> None:
    first = study(1, None)
    again = study(2, None, vector=direction(5, first.vector, 0.9))
    other = study(3, None)
    decisions = decided([first, again, other])
    assert decisions[0].unknown_group == decisions[1].unknown_group == 1
    assert decisions[2].unknown_group == 3
    assert "2 times" in decisions[1].reason
    assert not any(one.is_template for one in decisions)


def test_a_crop_goes_to_the_unknown_card_that_it_is_most_alike() -> None:
    kinds = [study(number, None) for number in range(1, 41)]
    again = [study(100 + n, None, vector=direction(n, kinds[n % 40].vector, 0.95)) for n in range(200)]
    decisions = decided([*kinds, *again], LearningLimits(same_unknown=0.9))
    assert [one.unknown_group for one in decisions[40:]] == [n % 40 + 1 for n in range(200)]
    assert "6 times" in decisions[-1].reason


def test_thousands_of_unknown_cards_are_judged_in_no_time() -> None:
    studies = [study(number, None, f"p{number % 5}") for number in range(4000)]
    started = time.process_time()
    judge(studies)
    assert time.process_time() - started < 3.0  # 0.2 s; comparing them one by one takes 13


@pytest.mark.parametrize("support", [Support.BACKED, Support.OPPOSED])
def test_crops_that_cannot_be_read_are_no_unknown_card(support: Support) -> None:
    unreadable = [
        study(number, None, vector=direction(1), support=support, complaint="its picture cannot be read")
        for number in (1, 2)
    ]
    decisions = decided([*unreadable, study(3, None, vector=direction(1))])
    assert [one.status for one in decisions] == [REJECTED, REJECTED, LEARNED]
    assert decisions[0].reason == "its picture cannot be read"
    assert "first time" in decisions[2].reason


@pytest.mark.parametrize("complaint", [None, "too blurred"])
def test_what_is_no_card_is_noted_however_poor_the_picture(complaint: str | None) -> None:
    nothing = replace(study(1, None, complaint=complaint), verdict=Verdict.NOT_A_CARD)
    assert decided([nothing])[0].status is LEARNED


mixed = st.builds(
    lambda number, card, person, subject, no_card, **found: replace(
        study(number, card, person, **found),
        subject=f"crop {subject}",
        verdict=Verdict.CARD if card else Verdict.NOT_A_CARD if no_card else Verdict.NOT_IN_GALLERY,
    ),
    number=st.integers(1, 10_000),
    card=st.sampled_from(["a", "b", "c", None]),
    person=st.sampled_from(["p", "q", None]),
    subject=st.integers(0, 6),
    no_card=st.booleans(),
    complaint=st.sampled_from([None, None, None, "too blurred"]),
    support=st.sampled_from(list(Support)),
    surprises=st.booleans(),
)


@given(
    studies=st.lists(mixed, max_size=14, unique_by=lambda one: one.sequence),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_decisions_depend_on_the_surviving_corrections_alone(studies: list[Study], seed: int) -> None:
    shuffled = studies.copy()
    random.Random(seed).shuffle(shuffled)
    limits = LearningLimits(templates_per_card=2, corrections_per_day=5)
    assert judge(shuffled, limits) == judge(studies, limits)
    kept = shuffled[len(shuffled) // 2 :]
    judge(shuffled, limits)  # whatever was decided before has no part in it
    assert judge(kept, limits) == judge(sorted(kept, key=lambda one: one.sequence), limits)


UNSURE, AGAINST = {"support": Support.UNBACKED}, {"support": Support.OPPOSED, "rival": "z"}


@pytest.mark.parametrize(
    ("backed", "opposed", "status"),
    [(20, 0, LEARNED), (19, 0, QUARANTINED), (100, 2, LEARNED), (100, 3, QUARANTINED)],
)
def test_who_was_borne_out_often_is_believed_where_a_crop_says_nothing(
    backed: int, opposed: int, status: CorrectionStatus
) -> None:
    borne_out = [study(number, f"{number}") for number in range(1, backed + 1)]
    mistaken = [study(200 + number, "x", **AGAINST) for number in range(opposed)]
    first, *_ = decided([study(0, "a", **UNSURE), *borne_out, *mistaken])
    assert first.status is status


def test_one_crop_bears_a_person_out_once() -> None:
    same = replace(study(1), vector=direction(1))
    repeats = [replace(study(number, vector=same.vector), subject=same.subject) for number in range(2, 31)]
    assert decided([same, *repeats, study(50, "a", **UNSURE)])[-1].status is QUARANTINED
    days = [replace(one, subject=f"crop {one.sequence % 19}") for one in repeats]
    assert decided([*days, study(50, "a", **UNSURE)])[-1].status is QUARANTINED


def test_words_that_do_not_stand_bear_nobody_out_and_are_held_against_whom_they_were_wrong() -> None:
    borne_out = [study(number, f"{number}") for number in range(1, 21)]
    outvoted = [
        replace(study(200 + number, "x", f"o{number}"), subject=borne_out[0].subject) for number in (1, 2)
    ]
    doubtful = study(50, "a", **UNSURE)
    assert decided([*borne_out, doubtful])[-1].status is LEARNED
    assert decided([*borne_out, doubtful, *outvoted])[20].status is QUARANTINED
    given_up = [study(100, "x", **AGAINST), replace(study(101, "y"), subject="crop 100")]
    assert decided([*borne_out, doubtful, *given_up])[20].status is QUARANTINED


def test_what_others_were_borne_out_in_says_nothing_for_a_stranger() -> None:
    borne_out = [study(number, f"{number}") for number in range(1, 41)]
    assert decided([*borne_out, study(50, "a", "stranger", **UNSURE)])[-1].status is QUARANTINED


def test_what_a_crop_opposes_is_not_believed_of_anybody_alone() -> None:
    borne_out = [study(number, f"{number}") for number in range(1, 101)]
    assert decided([*borne_out, study(200, "a", **AGAINST)])[-1].status is QUARANTINED
