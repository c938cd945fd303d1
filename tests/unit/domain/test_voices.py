"""Whose word about a crop stands, and that nobody alone undoes what others taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.correction_types import Verdict
from app.domain.learning import judge
from app.domain.learning_types import LearningLimits, Study, Support
from tests.fakes.studies import LEARNED, QUARANTINED, REJECTED, decided, direction, study

SPEAKS_FOR_OTHERS = "the crop speaks for what others say"


def word(
    number: int, about: Study, person: str, card: str | None, support: Support = Support.UNBACKED
) -> Study:
    """What another person says about the same crop."""
    said = study(number, card, person, about.vector, support=support, rival="Mew (m-1)")
    return replace(said, subject=about.subject)


def no_card(number: int, about: Study, person: str, support: Support = Support.BACKED) -> Study:
    return replace(word(number, about, person, None, support), verdict=Verdict.NOT_A_CARD)


RIGHT = study(1, "a", "victim")
LESSER = [
    word(2, RIGHT, "m", "z"),
    word(2, RIGHT, "m", "z", Support.OPPOSED),
    word(2, RIGHT, "m", None, Support.BACKED),
    word(2, RIGHT, "m", None, Support.OPPOSED),
    no_card(2, RIGHT, "m"),
    no_card(2, RIGHT, "m", Support.OPPOSED),
]
IDS = ["no support", "opposed", "not in gallery", "not in gallery, opposed", "no card", "no card, opposed"]


@pytest.mark.parametrize("against", LESSER, ids=IDS)
def test_one_person_whom_the_crop_does_not_back_undoes_nobodys_correction(against: Study) -> None:
    right, wrong = decided([RIGHT, against])
    assert (right.status, right.is_template) == (LEARNED, True)
    assert wrong.status is QUARANTINED
    assert SPEAKS_FOR_OTHERS in wrong.reason


@pytest.mark.parametrize("against", LESSER, ids=IDS)
def test_two_people_who_agree_outvote_the_crop(against: Study) -> None:
    second = replace(against, correction_id=study(3).correction_id, sequence=3, person="n")
    right, first, _ = decided([RIGHT, against, second])
    assert right.status is REJECTED
    assert "2 people say" in right.reason
    assert first.status is LEARNED


def test_people_who_each_say_something_else_have_no_say_against_the_crop() -> None:
    said = [RIGHT, word(2, RIGHT, "m", "y"), word(3, RIGHT, "n", "z"), no_card(4, RIGHT, "o")]
    assert [one.status for one in decided(said)] == [LEARNED, QUARANTINED, QUARANTINED, QUARANTINED]


def test_two_words_that_the_crop_backs_wait_for_each_other_and_not_for_a_third() -> None:
    other = word(2, RIGHT, "m", "b", Support.BACKED)
    decisions = decided([RIGHT, other, word(3, RIGHT, "n", "z")])
    assert [one.status for one in decisions] == [QUARANTINED] * 3
    assert "others say that it is b; it waits" in decisions[0].reason
    assert "others say that it is a; it waits" in decisions[1].reason
    assert SPEAKS_FOR_OTHERS in decisions[2].reason


def test_a_word_that_cannot_be_learnt_keeps_nobody_waiting_for_a_second_person() -> None:
    blurred = study(1, "a", "p", complaint="too blurred")
    decisions = decided([blurred, no_card(2, blurred, "q")])
    assert "that it is no card" in decisions[0].reason
    assert SPEAKS_FOR_OTHERS not in decisions[1].reason


def test_what_is_beyond_the_daily_limit_has_no_vote() -> None:
    limits = LearningLimits(corrections_per_day=1)
    said = [
        RIGHT,
        study(2, "a", "m"),
        word(3, RIGHT, "m", "z", Support.BACKED),
        study(4, "a", "n"),
        word(5, RIGHT, "n", "z", Support.BACKED),
    ]
    decisions = decided(said, limits)
    assert [one.status for one in decisions] == [LEARNED, LEARNED, REJECTED, LEARNED, REJECTED]
    assert "1 corrections in one day" in decisions[2].reason


def test_a_later_word_beyond_the_daily_limit_does_not_replace_the_earlier_one() -> None:
    first, second = decided([RIGHT, word(2, RIGHT, "victim", "z")], LearningLimits(corrections_per_day=1))
    assert (first.status, second.status) == (LEARNED, REJECTED)


def test_that_there_is_no_card_waits_for_a_second_person_where_the_gallery_is_sure_of_one() -> None:
    crop = study(1)
    alone = no_card(1, crop, "m", Support.OPPOSED)
    (decision,) = decided([alone])
    assert decision.status is QUARANTINED
    assert "Mew (m-1)" in decision.reason
    assert decided([alone, no_card(2, crop, "n", Support.OPPOSED)])[0].status is LEARNED


#: One wrong word each: about which crop, naming which card or none, backed how.
wrong_words = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.sampled_from(["w", "x", "y", "not in gallery", "not a card"]),
        st.sampled_from([Support.UNBACKED, Support.OPPOSED]),
        st.booleans(),
    ),
    max_size=40,
)


@given(words=wrong_words, before=st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_key_that_only_says_what_is_wrong_leaves_all_that_others_taught(
    words: Sequence[tuple[int, str, Support, bool]], before: bool
) -> None:
    honest = [study(1000 + n, chr(97 + n % 4), f"h{n % 3}", direction(n)) for n in range(8)]
    attack = []
    for place, (crop, said, support, is_sure) in enumerate(words):
        number = place if before else 5000 + place
        if said == "not a card":
            attack.append(no_card(number, honest[crop], "m", support))
        elif said == "not in gallery":
            support = Support.BACKED if is_sure else support
            attack.append(word(number, honest[crop], "m", None, support))
        else:
            attack.append(word(number, honest[crop], "m", said, support))
    alone, attacked = judge(honest), judge([*honest, *attack])
    assert {one.correction_id: attacked[one.correction_id] for one in honest} == alone
    assert any(one.is_template for one in alone.values())
    assert not any(attacked[one.correction_id].is_template for one in attack)
