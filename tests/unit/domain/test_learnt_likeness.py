"""Photos of one camera are like each other; what that likeness is worth is told from other cards' photos."""

from __future__ import annotations

import pytest

from app.domain.learnt_likeness import at_their_worth
from app.domain.ranking import rank
from app.domain.reranking import with_twins
from app.domain.types import Card, TemplateHit, TemplateSource


def hit(card_id: str, similarity: float, source: TemplateSource = TemplateSource.OFFICIAL) -> TemplateHit:
    group = sum(byte << 8 * place for place, byte in enumerate(card_id.encode()))
    return TemplateHit(0, Card(card_id, card_id), group, similarity, source)


def learnt(card_id: str, similarity: float) -> TemplateHit:
    return hit(card_id, similarity, TemplateSource.CORRECTION)


PICTURES = [hit("right", 0.6), *(hit(f"p{number}", 0.5) for number in range(12))]


def test_without_anything_learnt_nothing_changes() -> None:
    assert at_their_worth(PICTURES) == PICTURES


def test_photos_of_other_cards_that_are_all_alike_do_not_take_the_place_of_a_picture() -> None:
    photos = [learnt(f"o{number}", 0.8 + number / 1000) for number in range(12)]
    ranking = rank([*PICTURES, *photos])
    assert ranking.best is not None
    assert ranking.best.card.card_id == "right"


def test_a_photo_that_stands_out_among_photos_leads() -> None:
    photos = [learnt("named", 0.95), *(learnt(f"o{number}", 0.8) for number in range(12))]
    ranking = rank([*PICTURES, *photos])
    assert ranking.best is not None
    assert (ranking.best.card.card_id, ranking.best.source) == ("named", TemplateSource.CORRECTION)
    assert ranking.best.similarity == pytest.approx(0.95 - 0.3)


def test_one_photo_alone_keeps_its_similarity() -> None:
    (found,) = [
        one for one in at_their_worth([*PICTURES, learnt("named", 0.9)]) if one.card.card_id == "named"
    ]
    assert found.similarity == 0.9


def test_photos_that_are_less_alike_than_pictures_gain_nothing() -> None:
    photos = [learnt("named", 0.55), *(learnt(f"o{number}", 0.1) for number in range(12))]
    (found,) = [one for one in at_their_worth([*PICTURES, *photos]) if one.card.card_id == "named"]
    assert found.similarity == 0.55


def test_photos_of_one_card_count_once_in_what_is_common() -> None:
    photos = [learnt("named", 0.9), *(learnt("other", 0.8) for _ in range(12))]
    (found,) = [one for one in at_their_worth([*PICTURES, *photos]) if one.card.card_id == "named"]
    assert found.similarity == pytest.approx(0.9 - 0.3 / 10)


def test_photos_of_other_cards_say_nothing_against_the_leader() -> None:
    without = rank(PICTURES).margin
    photos = [learnt(f"o{number}", 0.5) for number in range(12)]
    assert rank([*PICTURES, *photos]).margin == pytest.approx(without)


def test_a_photo_of_the_leader_counts_for_its_margin() -> None:
    ranking = rank([*PICTURES, learnt("right", 0.9)])
    assert ranking.margin == pytest.approx(0.9 - 0.5)
    assert ranking.cards[0].picture_similarity == 0.6


def test_a_card_of_which_only_a_photo_was_found_is_like_no_picture() -> None:
    (found,) = [one for one in rank([*PICTURES, learnt("named", 0.4)]).cards if one.card.card_id == "named"]
    assert found.picture_similarity == -1.0


def test_what_was_learnt_takes_no_pictures_place_among_those_to_compare() -> None:
    pictures = [hit(f"p{number}", 0.5 - number / 100) for number in range(8)]
    photos = [learnt(f"o{number}", 0.9 - number / 100) for number in range(8)]
    compared = rank([*pictures, *photos]).to_compare(pictures=6, learnt=2)
    assert {one.card.card_id for one in compared} == {"p0", "p1", "p2", "p3", "p4", "p5", "o0", "o1"}


def test_what_was_learnt_and_is_less_alike_than_the_pictures_is_not_compared() -> None:
    pictures = [hit(f"p{number}", 0.5 - number / 100) for number in range(8)]
    compared = rank([*pictures, learnt("named", 0.1)]).to_compare(pictures=6, learnt=2)
    assert [one.card.card_id for one in compared] == ["p0", "p1", "p2", "p3", "p4", "p5"]


def test_without_what_was_learnt_a_ranking_is_what_pictures_alone_give() -> None:
    alone = rank([*PICTURES, learnt("right", 0.9), learnt("named", 0.8)]).without_learnt()
    assert [(one.card.card_id, one.similarity) for one in alone.cards] == [
        (one.card.card_id, one.similarity) for one in rank(PICTURES).cards
    ]
    assert alone.margin == rank(PICTURES).margin


def printing(
    card_id: str, similarity: float, source: TemplateSource = TemplateSource.OFFICIAL
) -> TemplateHit:
    return TemplateHit(0, Card(card_id, card_id), 1, similarity, source)


REPRINT_PHOTO = printing("reprint", 0.88, TemplateSource.CORRECTION)


def test_a_photo_of_one_printing_says_which_picture_it_is_and_not_which_printing() -> None:
    printings = [printing("first", 0.8), printing("reprint", 0.7), hit("other", 0.6)]
    before, after = rank(printings), rank([*printings, REPRINT_PHOTO])
    assert [one.card.card_id for one in after.members()] == ["first", "reprint"]
    assert after.similarity == pytest.approx(0.88)
    assert after.margin == pytest.approx(before.margin + 0.08)
    assert [one.similarity for one in after.members()] == pytest.approx([0.88, 0.78])
    assert {one.source for one in after.members()} == {TemplateSource.CORRECTION}
    assert [one.similarity for one in after.without_learnt().cards] == [0.8, 0.7, 0.6]


def test_a_photo_that_is_less_alike_than_the_picture_changes_nothing() -> None:
    printings = [printing("first", 0.9), printing("reprint", 0.7), hit("other", 0.6)]
    after = rank([*printings, REPRINT_PHOTO])
    assert after.without_learnt() == rank(printings)
    assert [one.similarity for one in after.cards] == [0.9, 0.7, 0.6]


def test_a_printing_that_only_its_photo_finds_is_as_likely_as_the_weakest_that_was_found() -> None:
    printings = [printing("first", 0.8), printing("third", 0.7), hit("other", 0.6)]
    members = rank([*printings, REPRINT_PHOTO]).members()
    assert {one.card.card_id: one.similarity for one in members} == pytest.approx(
        {"first": 0.88, "third": 0.78, "reprint": 0.78}
    )
    alone = rank([REPRINT_PHOTO, printing("third", 0.85, TemplateSource.CORRECTION), hit("other", 0.6)])
    assert [one.similarity for one in alone.members()] == [0.88, 0.88]


def test_printings_that_verification_puts_together_share_what_was_learnt_of_one() -> None:
    twin = TemplateHit(0, Card("reprint", "reprint"), 2, 0.88, TemplateSource.CORRECTION)
    own = TemplateHit(0, Card("reprint", "reprint"), 2, 0.7, TemplateSource.OFFICIAL)
    joined = with_twins(rank([printing("first", 0.8), own, twin]), {2: 1})
    assert [(one.card.card_id, one.similarity) for one in joined.cards] == [
        ("first", pytest.approx(0.88)),
        ("reprint", pytest.approx(0.78)),
    ]
