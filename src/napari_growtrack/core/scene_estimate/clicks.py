"""Check what was clicked, and read the frames it was clicked on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import SettingsError
from ..films import Stack
from .crops import Click

_MOST_POINTS, _MOST_FRAMES = 40, 4


class Clicked(NamedTuple):
    """What was clicked: the particles, some of the frames they are on, and some that follow, to count on as well."""

    clicks: list[Click]
    frames: list[np.ndarray]
    following: list[np.ndarray]


def clicked_on(stack: Stack, points: Any) -> Clicked:
    """Return what was clicked on a film, at most as many particles as are looked at.

    Raises
    ------
    SettingsError
        When there are no points, or one lies outside the film.
    """
    points = _checked(points)
    _refuse_outside(points, stack)
    points = points[np.linspace(0, len(points) - 1, min(len(points), _MOST_POINTS)).astype(int)]
    frames = {number: stack[number] for number in sorted(set(points[:, 0].astype(int)))}
    clicks = [Click(frames[int(t)], np.array([y, x]), np.empty((0, 2))) for t, y, x in points]
    numbers = list(frames)[:_MOST_FRAMES]
    following = range(numbers[-1] + 1, len(stack))[: _MOST_FRAMES - len(numbers)]
    return Clicked(clicks, [frames[number] for number in numbers], [stack[number] for number in following])


def _checked(points: Any) -> np.ndarray:
    """Return points as (n, 3), their frames whole."""
    try:
        points = np.asarray(points, float)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"Expected points as numbers (frame, y, x), got {type(points).__name__}.") from error
    if not points.size:
        raise SettingsError("Click at least one particle: there are no points to look at.")
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise SettingsError(f"Expected points (n, 3) of frame, y, x or (n, 2) of y, x, got shape {points.shape}.")
    if not np.isfinite(points).all():
        raise SettingsError("Expected finite points, got NaN or infinity. Click the particles again.")
    frames = np.rint(points[:, 0]) if points.shape[1] == 3 else np.zeros(len(points))
    return np.column_stack([frames, points[:, -2:]])


def _refuse_outside(points: np.ndarray, stack: Stack) -> None:
    low, high = np.array([0, -0.5, -0.5]), np.array(stack.shape) - [1, 0.5, 0.5]
    outside = np.any((points < low) | (points > high), axis=1)
    if outside.any():
        t, y, x = points[outside][0]
        raise SettingsError(
            f"The point at frame {t:g}, y {y:g}, x {x:g} lies outside {stack.name}, which has {stack.shape[0]} frames "
            f"of {stack.shape[1]} x {stack.shape[2]} px. Remove it, or choose the film it was clicked on."
        )
