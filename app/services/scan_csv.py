"""A scan as a list for spreadsheets: one line a card, in page order."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from app.domain.types import ScanResult

CSV_COLUMNS = (
    "position",
    "row",
    "column",
    "status",
    "card_id",
    "name",
    "set_id",
    "set_name",
    "number",
    "rarity",
    "language",
    "game",
    "confidence_card",
    "confidence_printing",
    "ambiguous_with",
)

#: A spreadsheet takes a cell that starts like this for a formula and would run it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_rows(result: ScanResult) -> Iterator[list[str]]:
    """The cells of each card, in the order of ``CSV_COLUMNS``; rows and columns count from one."""
    for position, found in enumerate(result.cards, start=1):
        card = found.card
        cells = (
            str(position),
            str(found.grid.row + 1) if found.grid else None,
            str(found.grid.column + 1) if found.grid else None,
            found.status.value,
            card.card_id if card else None,
            card.name if card else None,
            card.set_id if card else None,
            card.set_name if card else None,
            card.number if card else None,
            card.rarity if card else None,
            card.language if card else None,
            card.game if card else None,
            f"{found.confidence.card:.4f}",
            f"{found.confidence.printing:.4f}",
            " ".join(found.ambiguous_with),
        )
        yield [harmless(cell or "") for cell in cells]


def scan_as_csv(result: ScanResult) -> str:
    """The whole scan with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(csv_rows(result))
    return text.getvalue()


def harmless(cell: str) -> str:
    """The cell as a text that no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
