"""What a part of the suite measured, and which of its promises held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that must hold, and what was found."""

    text: str
    kept: bool
    found: str


@dataclass(slots=True)
class Outcome:
    """Figures and promises of one part."""

    figures: dict[str, object] = field(default_factory=dict)
    promises: list[Promise] = field(default_factory=list)

    def promise(self, text: str, kept: bool, found: object) -> None:
        """Writes down whether something held."""
        self.promises.append(Promise(text, bool(kept), str(found)))

    def measured(self, **figures: object) -> None:
        """Writes down figures."""
        self.figures.update(figures)

    @property
    def kept(self) -> bool:
        """Whether every promise held; a part that promised nothing has shown nothing."""
        return bool(self.promises) and all(one.kept for one in self.promises)

    def as_json(self) -> Mapping[str, object]:
        """For the file of results."""
        promises = [{"promise": one.text, "kept": one.kept, "found": one.found} for one in self.promises]
        return {"kept": self.kept, "figures": self.figures, "promises": promises}
