import collections

import pytest

from app.synthesis.catalogue import GAME, invent_catalogue


def test_the_same_seed_invents_the_same_game():
    assert invent_catalogue(3, 60) == invent_catalogue(3, 60)


def test_different_seeds_share_no_picture():
    one, other = invent_catalogue(3, 300), invent_catalogue(4, 300)
    assert not {card.artwork.seed for card in one} & {card.artwork.seed for card in other}
    assert not {card.artwork_id for card in one} & {card.artwork_id for card in other}


def test_there_are_as_many_pictures_as_asked_for_and_ids_are_unique():
    cards = invent_catalogue(7, 500)
    assert len({card.artwork_id for card in cards}) == 500
    assert len({card.card.card_id for card in cards}) == len(cards)
    names = collections.defaultdict(set)
    for card in cards:
        if card.card.language == "en":
            names[card.card.name].add(card.artwork_id)
    assert all(len(artworks) == 1 for artworks in names.values())


def test_shares_of_reprints_foils_and_languages_are_kept():
    cards = invent_catalogue(
        8, 1000, reprint_share=0.3, foil_share=0.1, language_share=0.1, full_art_share=0.25
    )
    groups = collections.Counter(card.artwork_id for card in cards)
    foils = sum(card.foil_seed is not None for card in cards)
    foreign = sum(card.card.language != "en" for card in cards)
    reprints = len(cards) - 1000 - foils - foreign
    assert 220 < reprints < 380
    assert 60 < foils < 140
    assert 60 < foreign < 140
    assert max(groups.values()) >= 3
    assert 180 < sum(card.full_art for card in cards if card.card.language == "en") < 420


def test_a_catalogue_without_variants_has_one_card_for_each_picture():
    cards = invent_catalogue(9, 50, reprint_share=0, foil_share=0, language_share=0)
    assert len(cards) == 50
    assert {card.card.game for card in cards} == {GAME}


def test_sets_are_plausible():
    cards = invent_catalogue(10, 1200)
    sizes = collections.Counter(card.card.set_id for card in cards)
    assert 8 <= len(sizes) <= 12
    assert all(60 <= size <= 300 for size in sizes.values())
    assert len({card.frame for card in cards if not card.full_art}) >= 4


def test_a_single_picture_makes_a_catalogue():
    assert len(invent_catalogue(1, 1, reprint_share=1.0, foil_share=0, language_share=0)) == 1


@pytest.mark.parametrize(
    "arguments", [{"artworks": 0}, {"artworks": 5, "foil_share": 1.2}, {"artworks": 5, "set_size": 0}]
)
def test_impossible_wishes_are_refused(arguments):
    with pytest.raises(ValueError, match="at least 1"):
        invent_catalogue(1, **arguments)


def test_pictures_are_printed_up_to_six_times_and_never_twice_in_one_set():
    cards = invent_catalogue(
        11, 600, reprint_share=0.6, foil_share=0.4, language_share=0.4, set_size=60, reprints_most=3
    )
    groups = collections.Counter(card.artwork_id for card in cards)
    assert max(groups.values()) == 6 and set(groups.values()) == {1, 2, 3, 4, 5, 6}
    plain = [card for card in cards if card.foil_seed is None and card.card.language == "en"]
    homes = collections.Counter((card.artwork_id, card.card.set_id) for card in plain)
    assert max(homes.values()) == 1
    assert len({card.card.card_id for card in cards}) == len(cards)


def test_more_reprints_leave_the_printings_before_them_as_they_were():
    once, often = (
        invent_catalogue(12, 80, reprint_share=0.5, set_size=20, reprints_most=most) for most in (1, 3)
    )
    assert often[: len(once)] == once and len(often) > len(once)


def test_a_picture_is_printed_no_oftener_than_there_are_sets():
    cards = invent_catalogue(
        13, 30, reprint_share=1.0, foil_share=0, language_share=0, set_size=15, reprints_most=5
    )
    assert len(cards) == 60
