"""When a crop speaks for the card that a person names."""

from __future__ import annotations

from dataclasses import replace

from app.services.learning.study import Evidence, backs

FOUND = Evidence(agreement=0.1, lead_nats=-0.03, is_found=True, is_compared=True)


def test_a_picture_that_agrees_backs_its_name_though_another_agrees_a_little_better() -> None:
    assert backs(FOUND)
    assert not backs(replace(FOUND, lead_nats=-0.08))


def test_a_picture_that_agrees_by_chance_backs_nothing_however_it_leads() -> None:
    assert not backs(replace(FOUND, agreement=0.05, lead_nats=1.0))


def test_a_card_that_no_search_finds_has_to_lead_those_that_were_compared() -> None:
    stranger = replace(FOUND, is_found=False, lead_nats=0.2)
    assert backs(stranger)
    assert not backs(replace(stranger, lead_nats=0.05))
    assert not backs(replace(stranger, is_compared=False))
