"""``binderlens learn`` on a real database."""

from __future__ import annotations

from tests.command_line import CommandLine
from tests.integration.cli.conftest import CardFolder


def test_learning_says_how_many_corrections_stand_how(binderlens: CommandLine, cards: CardFolder) -> None:
    assert binderlens(*cards.import_args).status == 0
    told = binderlens("learn")
    assert told.status == 0
    assert "0 corrections studied" in told.out
    assert "0 quarantined" in told.out
