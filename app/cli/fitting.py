"""``binderlens evaluate --fit`` and ``--forget-fit``: confidences fitted on somebody's own labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.domain.calibration_file import load_calibrations
from app.domain.errors import LabelsError
from app.domain.fitted import fitted_path, forget_fitted, save_fitted
from app.domain.refit import FOLDS, Figures, KindFit, Refit, refit
from app.domain.scoring import ScanScore
from app.domain.types import EncoderInfo
from app.services.refit import labelled_answers, targets_of
from app.settings import Settings


def fit_confidences(
    scores: Sequence[ScanScore], settings: Settings, encoder: EncoderInfo, console: Console
) -> None:
    """Fits, prints what that gains, and writes the constants where it gains anything.

    Args:
        scores: Of answers with the constants that came with the encoder.
        settings: Name the encoder, the folder and the targets.
        encoder: What answered.
        console: For the tables.

    Raises:
        LabelsError: too few labels, or confidences that are no better for the fit; nothing is written then.
        ConfigurationError: the file cannot be written.
    """
    shipped = load_calibrations(_encoder_folder(settings))
    left_out = sum(not score.detection_scored for score in scores)
    if left_out:
        _say(console, f"{left_out} of {len(scores)} scans are not fitted on: their labels have no corners")
    fitted = refit(labelled_answers(scores), shipped, targets_of(settings))
    print_fit(fitted, console)
    if fitted.calibrations is None:
        raise LabelsError("the fit is no better on held-out cards; nothing was written")
    path = _path(settings)
    save_fitted(fitted.calibrations, shipped, path, encoder.name, encoder.fingerprint)
    _say(console, f"written to {path}; a service that runs uses it when it is started again")


def forget_fit(settings: Settings) -> None:
    """Deletes the constants fitted for the encoder that is set.

    Raises:
        ConfigurationError: the file cannot be deleted.
    """
    path = _path(settings)
    done = f"deleted {path}" if forget_fitted(path) else f"there is no {path}"
    _say(Console(), f"{done}; the encoder's own confidences are used from the next start on")


def print_fit(fitted: Refit, console: Console) -> None:
    """Prints what the fit gains on held-out cards, and what it changes."""
    table = Table(title=f"confidences on held-out cards ({FOLDS} parts by card)", title_justify="left")
    for column in ("figure", "before", "after"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, before, after in zip(_NAMES, _values(fitted.before), _values(fitted.after), strict=True):
        table.add_row(name, before, after)
    console.print(table)
    for kind in fitted.kinds:
        _print_kind(kind, console)
    if fitted.left_out:
        _say(console, f"too few labels to fit: {'; '.join(fitted.left_out)}")


def _print_kind(fit: KindFit, console: Console) -> None:
    changed = fit.adjustment
    _say(
        console,
        f"{fit.kind.value}, {fit.answers} answers: log-odds of the picture times {changed.scale:.3f} "
        f"{changed.shift:+.3f}, of a printing times {changed.printing_scale:.3f}",
    )
    if fit.calibration is not None:
        one = fit.calibration
        _say(
            console,
            f"  accepted from {one.accept_card:.4f} (picture) and {one.accept_printing:.4f} (printing) on, "
            f"unknown below {one.known_at:.4f}",
        )
    for remark in fit.remarks:
        _say(console, f"  {remark}")


_NAMES = (
    "log loss of the card",
    "log loss of the printing",
    "calibration error of the card",
    "calibration error of the printing",
    "accepted: picture right",
    "accepted: printing right",
    "known cards accepted",
    "known cards called unknown",
    "unknown cards called unknown",
)


def _values(figures: Figures) -> tuple[str, ...]:
    losses = (figures.log_loss_card, figures.log_loss_printing, figures.ece_card, figures.ece_printing)
    counts = (
        figures.accepted_picture_right,
        figures.accepted_printing_right,
        figures.known_accepted,
        figures.known_called_unknown,
        figures.unknown_called_unknown,
    )
    shares = (f"{hits / of:.2%} ({hits} / {of})" if of else "-" for hits, of in counts)
    return (*(f"{loss:.4f}" for loss in losses), *shares)


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _encoder_folder(settings: Settings) -> Path:
    from app.inference.catalogue import resolve_encoder

    return resolve_encoder(settings.models_dir, settings.encoder)


def _path(settings: Settings) -> Path:
    # By its name alone: what was fitted can be forgotten after the encoder itself is gone.
    from app.inference.catalogue import folder_name

    return fitted_path(settings.data_dir, folder_name(settings.encoder))
