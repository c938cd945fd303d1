"""Scores labelled scans: the same pipeline, measured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.domain.errors import InvalidInput, LabelsError
from app.domain.labels import LabelledScan, read_labels
from app.domain.ports import Gallery, MemoryGuard
from app.domain.scoring import ScanScore, ScoredCard, TrueCard, expected_calibration_error, score_scan
from app.domain.statistics import wilson_interval
from app.domain.types import CardFilter, ScanResult, Status
from app.services.identify import IdentifyOptions, IdentifyService

#: As many candidates as there may be: those of the leader's picture say how sure each of its printings is.
_OPTIONS = IdentifyOptions(candidates=25)


@dataclass(frozen=True, slots=True)
class Share:
    """A measured share with its Wilson 95 % interval; ``value`` is None where there was nothing to count."""

    name: str
    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share itself."""
        return self.hits / self.of if self.of else None

    def as_json(self) -> dict[str, object]:
        """For programs."""
        low, high = wilson_interval(self.hits, self.of)
        return {"value": self.value, "hits": self.hits, "of": self.of, "wilson_95": [low, high]}


@dataclass(slots=True)
class EvaluationReport:
    """Everything ``binderlens evaluate`` says; ``scores`` is what it adds up, and no part of its JSON."""

    scans: int = 0
    shares: list[Share] = field(default_factory=list)
    mean_iou: float | None = None
    ece_card: float | None = None
    ece_printing: float | None = None
    total_ms_p50: float | None = None
    total_ms_p95: float | None = None
    anonymous_bytes: int = 0
    peak_rss_bytes: int = 0
    per_scan: list[dict[str, object]] = field(default_factory=list)
    scores: list[ScanScore] = field(default_factory=list, repr=False)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "scans": self.scans,
            "shares": {share.name: share.as_json() for share in self.shares},
            "mean_iou": self.mean_iou,
            "ece": {"card": self.ece_card, "printing": self.ece_printing},
            "total_ms": {"p50": self.total_ms_p50, "p95": self.total_ms_p95},
            "memory": {"anonymous_bytes": self.anonymous_bytes, "peak_rss_bytes": self.peak_rss_bytes},
            "per_scan": self.per_scan,
        }


class EvaluateService:
    """Identifies labelled scans, without storing them, and adds up the scores."""

    def __init__(self, identify: IdentifyService, gallery: Gallery, guard: MemoryGuard) -> None:
        self._identify = identify
        self._gallery = gallery
        self._guard = guard

    async def run(
        self,
        label_files: Sequence[Path],
        progress: Callable[[], None] | None = None,
        same_picture: Mapping[str, frozenset[str]] | None = None,
    ) -> EvaluationReport:
        """Scores every scan.

        Args:
            label_files: Labels in the contract's form; each names its picture relative to itself.
            progress: Called after each scan.
            same_picture: For each card id the printings of its picture, where that is known for certain; by
                default the gallery's artwork groups say it.

        Raises:
            InvalidInput: labels or a picture that cannot be used; the message names the file.
        """
        report = EvaluationReport()
        totals_ms: list[float] = []
        for path in label_files:
            labels = await asyncio.to_thread(read_labels, path)
            result = await self._scan(path.parent / labels.image)
            score = score_scan(result.cards, await self._truth(labels, same_picture))
            report.scores.append(score)
            totals_ms.append(result.timings_ms["total"])
            report.per_scan.append(_scan_line(labels.image, score, totals_ms[-1]))
            if progress is not None:
                progress()
        _add_up(report, report.scores, totals_ms)
        snapshot = self._guard.snapshot()
        report.anonymous_bytes = snapshot.anonymous_bytes
        report.peak_rss_bytes = snapshot.peak_rss_bytes
        return report

    async def _scan(self, picture: Path) -> ScanResult:
        try:
            data = await asyncio.to_thread(picture.read_bytes)
            result, _ = await self._identify.identify(data, _OPTIONS, store=False)
            return result
        except OSError as error:
            raise LabelsError(f"cannot read {picture}: {error.strerror}") from error
        except InvalidInput as error:
            raise LabelsError(f"{picture}: {error}") from error

    async def _truth(
        self, labels: LabelledScan, same_picture: Mapping[str, frozenset[str]] | None
    ) -> list[TrueCard]:
        if same_picture is None:
            same_picture = await self._printings([card.card_id for card in labels.cards if card.card_id])
        return [
            TrueCard(
                card_id=card.card_id,
                quad_px=card.quad_px,
                in_gallery=card.in_gallery,
                same_picture=same_picture.get(card.card_id or "", frozenset()),
            )
            for card in labels.cards
        ]

    async def _printings(self, card_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """The artwork group of each card as the gallery has it."""
        group_of = await self._gallery.artwork_groups_of(card_ids)
        members = await self._gallery.group_members(sorted(set(group_of.values())), CardFilter())
        return {card_id: frozenset(members.get(group, [])) for card_id, group in group_of.items()}


def _scan_line(image: str, score: ScanScore, total_ms: float) -> dict[str, object]:
    return {
        "image": image,
        "labelled": score.labelled,
        "found": score.found,
        "extra": score.extra,
        "artwork_right": sum(card.artwork_right is True for card in score.cards if card.known is not False),
        "printing_right": sum(card.printing_right is True for card in score.cards),
        "first_artwork_right": sum(card.first_artwork_right is True for card in score.cards),
        "first_printing_right": sum(card.first_printing_right is True for card in score.cards),
        "accepted": sum(card.status is Status.ACCEPTED for card in score.cards),
        "total_ms": round(total_ms, 1),
    }


def _add_up(report: EvaluationReport, scores: Sequence[ScanScore], totals_ms: Sequence[float]) -> None:
    report.scans = len(scores)
    cards = [card for score in scores for card in score.cards]
    report.shares = _shares(scores, cards)
    ious = [card.iou for card in cards if card.iou is not None]
    report.mean_iou = float(np.mean(ious)) if ious else None
    judged = [card for card in cards if card.artwork_right is not None]
    # The confidences speak of the first candidate, which an answer of "unknown" holds back.
    report.ece_card = expected_calibration_error(
        [card.confidence_card for card in judged], [card.first_artwork_right is True for card in judged]
    )
    report.ece_printing = expected_calibration_error(
        [card.confidence_printing for card in judged], [card.first_printing_right is True for card in judged]
    )
    if totals_ms:
        report.total_ms_p50, report.total_ms_p95 = (float(v) for v in np.percentile(totals_ms, (50, 95)))


def _shares(scores: Sequence[ScanScore], cards: Sequence[ScoredCard]) -> list[Share]:
    placed = [score for score in scores if score.detection_scored]
    known = [card for card in cards if card.known is not False and card.artwork_right is not None]
    absent = [card for card in cards if card.known is False]
    accepted = [card for card in known + absent if card.status is Status.ACCEPTED]
    turned = [card for card in cards if card.upright is not None]
    found = sum(score.found for score in placed)

    def share(name: str, among: Sequence[ScoredCard], hit: Callable[[ScoredCard], bool]) -> Share:
        return Share(name, sum(map(hit, among)), len(among))

    return [
        Share("detection recall", found, sum(score.labelled for score in placed)),
        Share("detection precision", found, sum(score.found + score.extra for score in placed)),
        share("right way up", turned, lambda card: card.upright is True),
        share("artwork right", known, lambda card: card.artwork_right is True),
        share("printing right", known, lambda card: card.printing_right is True),
        share("first candidate: artwork right", known, lambda card: card.first_artwork_right is True),
        share("first candidate: printing right", known, lambda card: card.first_printing_right is True),
        share("accepted: artwork right", accepted, lambda card: card.artwork_right is True),
        share("known cards accepted", known, lambda card: card.status is Status.ACCEPTED),
        share("known cards called unknown", known, lambda card: card.status is Status.UNKNOWN),
        share("unknown cards accepted", absent, lambda card: card.status is Status.ACCEPTED),
        share("unknown cards called unknown", absent, lambda card: card.status is Status.UNKNOWN),
    ]
