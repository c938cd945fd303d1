"""Writes the table of settings in ``docs/operations.md`` from the settings themselves.

``python -m scripts.settings_table``
"""

from __future__ import annotations

from app.settings import PROJECT_ROOT, Settings
from scripts.env_example import default_text, describe

DOCUMENT = PROJECT_ROOT / "docs" / "operations.md"
BEGIN = "<!-- settings: made by `make settings-table`; do not edit by hand -->"
END = "<!-- end of settings -->"


def render() -> str:
    """The table, with the marks around it."""
    lines = [BEGIN, "", "| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        meaning = describe(field).replace("|", "\\|")
        default = default_text(field)
        lines.append(f"| `{name.upper()}` | {f'`{default}`' if default else ''} | {meaning} |")
    return "\n".join([*lines, "", END])


def put_in(document: str) -> str:
    """The document with its table as it should be."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + render() + after


if __name__ == "__main__":
    DOCUMENT.write_text(put_in(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
