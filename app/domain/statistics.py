"""How sure a measured share is."""

from __future__ import annotations

import math

#: Two-sided 95 % quantile of the standard normal distribution.
Z_95 = 1.959963984540054


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Confidence interval of a share, after Wilson (1927), without continuity correction.

    Unlike the textbook's interval p ± z·√(p(1-p)/n) it stays within [0, 1] and has a width at 0 and 100 %.

    Args:
        successes: How often it happened.
        trials: How often it could have.
        z: Quantile of the standard normal distribution; the default gives 95 %.

    Returns:
        Lower and upper end, both in [0, 1]. (0, 1), which says nothing, for no trials.

    Raises:
        ValueError: ``successes`` is not within 0 and ``trials``, or ``z`` is negative.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials are impossible")
    if z < 0:
        raise ValueError(f"z must not be negative, got {z}")
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    shrink = 1.0 + z * z / trials
    centre = (share + z * z / (2 * trials)) / shrink
    half_width = z / shrink * math.sqrt(share * (1.0 - share) / trials + z * z / (4.0 * trials * trials))
    # Rounding may leave the ends a hair outside, where the formula gives exactly 0 and 1.
    lower = 0.0 if successes == 0 else max(0.0, centre - half_width)
    upper = 1.0 if successes == trials else min(1.0, centre + half_width)
    return lower, upper
