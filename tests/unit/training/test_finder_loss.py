"""How the card finder's answers are judged."""

from __future__ import annotations

import torch

from models.training.finder.loss import finder_loss

QUAD = torch.tensor([-0.5, -0.7, 0.5, -0.7, 0.5, 0.7, -0.5, 0.7])


def judged(corners: torch.Tensor, *, chance: float = 9.0, shows: float = 1.0) -> tuple[float, float]:
    """Losses of one cell that answers a logit and corners where ``QUAD`` is right."""
    answers = torch.cat([torch.tensor([chance]), corners]).reshape(1, 9, 1, 1)
    card = torch.full((1, 1, 1), shows)
    showing, placing = finder_loss(
        answers, card, torch.ones(1, 1, 1), QUAD.reshape(1, 8, 1, 1), torch.full((1, 1, 1), 1.2 * shows)
    )
    return showing.item(), placing.item()


def test_the_right_answer_costs_nothing() -> None:
    showing, placing = judged(QUAD)
    assert showing < 0.001
    assert placing == 0


def test_it_does_not_count_which_corner_comes_first() -> None:
    assert judged(QUAD.reshape(4, 2).roll(1, 0).reshape(8))[1] == 0


def test_corners_in_the_other_sense_cost_something() -> None:
    assert judged(QUAD.reshape(4, 2).flip(0).reshape(8))[1] > 0.1


def test_corners_further_off_cost_more() -> None:
    assert judged(QUAD + 0.3)[1] > judged(QUAD + 0.1)[1] > 0


def test_a_missed_card_costs_as_much_as_a_false_one() -> None:
    assert abs(judged(QUAD, chance=-3.0)[0] - judged(QUAD, chance=3.0, shows=0.0)[0]) < 1e-5


def test_where_there_is_no_card_corners_cost_nothing() -> None:
    assert judged(QUAD + 5, shows=0.0)[1] == 0
