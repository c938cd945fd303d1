"""The figures as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domain.statistics import wilson_interval
from app.services.evaluate import Share
from benchmarks.printings.figures import add_up, stage_figures
from benchmarks.printings.grouping import Grouping
from benchmarks.printings.measuring import Tally
from benchmarks.printings.probabilities import Honesty

#: What the comparison of several variants shows of each.
_COMPARED = (
    "artwork right",
    "printing right, decidable",
    "printing right, decidable, groups of 2 and more",
    "accepted: artwork right",
    "known: accepted",
    "unknown: accepted",
    "unknown: called unknown",
)


def format_tally(tally: Tally) -> str:
    """Returns all figures of one variant: a row for each figure, a column for each level."""
    columns = {name: add_up(outcomes) for name, outcomes in tally.by_name().items()}
    lines = _head(["share in % (Wilson 95 %), n", *columns])
    for row in zip(*(figures.shares for figures in columns.values()), strict=True):
        if any(share.of for share in row):
            lines.append(_row([row[0].name, *map(format_share, row)]))
    lines += ["", *_head(["known and unknown mixed: ECE / Brier / AUROC", *columns])]
    lines.append(_row(["confidence card", *(_format_honesty(one.card) for one in columns.values())]))
    lines.append(_row(["confidence printing", *(_format_honesty(one.printing) for one in columns.values())]))
    return "\n".join([*lines, "", *_format_stages(tally), "", *_format_groups(tally.groups)])


def _format_groups(groups: Grouping | None) -> list[str]:
    if groups is None:
        return []
    lines = _head(["artwork groups of the gallery", "share in % (Wilson 95 %), n"])
    lines += [_row([share.name, format_share(share)]) for share in groups.shares]
    return [
        *lines,
        _row(["largest, and the largest there truly is", f"{groups.largest} / {groups.largest_true}"]),
    ]


def _format_stages(tally: Tally) -> list[str]:
    by_level = {level: stage_figures(spent) for level, spent in tally.timings_ms.items() if spent}
    if not by_level:
        return []
    lines = _head(["ms a page, p50 / p95", *by_level])
    for stage in dict.fromkeys(name for stages in by_level.values() for name in stages):
        cells = (stages.get(stage) for stages in by_level.values())
        lines.append(
            _row([stage, *(f"{one['p50_ms']:.0f} / {one['p95_ms']:.0f}" if one else "-" for one in cells)])
        )
    return lines


def format_comparison(tallies: Mapping[str, Tally]) -> str:
    """Returns what several variants gave on the same photos: a row for each variant and level."""
    lines = _head(["variant", "level", *_COMPARED, "ms a page, p50"])
    for variant, tally in tallies.items():
        for level, outcomes in tally.outcomes.items():
            shares = {share.name: share for share in add_up(outcomes).shares}
            spent = tally.timings_ms.get(level)
            milliseconds = f"{stage_figures(spent)['total']['p50_ms']:.0f}" if spent else "-"
            cells = (format_share(shares[name]) for name in _COMPARED)
            lines.append(_row([variant, level, *cells, milliseconds]))
    return "\n".join(lines)


def format_share(share: Share) -> str:
    """Returns a share in % with its Wilson 95 % interval and what it is a share of."""
    if share.value is None:
        return "-"
    low, high = wilson_interval(share.hits, share.of)
    return f"{100 * share.value:.2f} ({100 * low:.2f}-{100 * high:.2f}), {share.of}"


def _format_honesty(one: Honesty) -> str:
    values = (one.ece, one.brier, one.auroc)
    return " / ".join("-" if value is None else f"{value:.4f}" for value in values)


def _head(cells: Sequence[str]) -> list[str]:
    return [_row(cells), _row(["---"] * len(cells))]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
