"""How far off a mean over trajectories may be, whatever the motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, stdtrit

from .units import Estimate

MANY = 10
"""From so many trajectories on, their own spread tells how far off their mean is."""


NORMAL_REACH = float(ndtri(0.975))
"""How many standard errors a 95 % interval reaches where the error itself is known."""


def t_reach(number: float) -> float:
    """Return how many standard errors a 95 % interval reaches where so many trajectories tell the error."""
    return float(stdtrit(number - 1, 0.975))


def mean_and_error(parts: Sequence[np.ndarray], reach: int) -> tuple[float, float, float]:
    """Return the mean of all numbers, its standard error, and how many standard errors a 95 % interval reaches.

    Of many trajectories the error follows from how they differ from one another,
    so that particles may differ; of few, from how numbers vary along each,
    numbers up to `reach` apart being taken as dependent.

    Parameters
    ----------
    parts : sequence of ndarray (n,)
        Numbers along each trajectory; NaN where there is none.
    reach : int
    """
    sums = np.array([np.nansum(part) for part in parts])
    counts = np.array([np.isfinite(part).sum() for part in parts], float)
    there = counts > 0
    total = counts.sum()
    if not total:
        return float("nan"), float("nan"), float("nan")
    mean = sums.sum() / total
    if there.sum() >= MANY:
        off = (sums - counts * mean)[there]
        number = int(there.sum())
        variance = number / (number - 1) * np.square(off).sum() / total**2
        return float(mean), float(np.sqrt(variance)), t_reach(number)
    variance = sum(_long_run([part - mean for part in parts], reach)) / total**2
    return float(mean), float(np.sqrt(max(variance, 0))), NORMAL_REACH


def _long_run(parts: Sequence[np.ndarray], reach: int) -> list[float]:
    """Return what each trajectory adds to the variance of the sum: its numbers' squares, and products of near ones."""
    found = []
    for part in parts:
        filled = np.nan_to_num(part)
        products = [2 * float(filled[lag:] @ filled[:-lag]) for lag in range(1, reach + 1) if len(filled) > lag]
        found.append(float(filled @ filled) + sum(products))
    return found


def estimate(parts: Sequence[np.ndarray], reach: int, scale: float, unit: str, least: float = -np.inf) -> Estimate:
    """Return a mean over trajectories with its 95 % interval, nothing below `least`; unknown where nothing varies."""
    mean, error, wide = mean_and_error(parts, reach)
    value, half = scale * mean, abs(scale) * wide * error
    return Estimate.between(max(value, least), max(value - half, least), max(value + half, least), unit)
