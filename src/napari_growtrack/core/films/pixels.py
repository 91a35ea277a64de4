"""One grey float32 frame of whatever a decoder or an array gives, or a refusal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StackError

_WITH_ALPHA = (2, 4)
_LEAST, _MOST = 1e-15, 1e15
"""Largest intensities of a frame between which squares, sums and quotients fit float32."""

_FAINTEST = 2e-6
"""Least spread, as a share of the level, that float32 resolves; normalisation takes what is below for constant."""


def values_of(raw: Any, what: str) -> NDArray[Any]:
    """Return what was read as an array; masked pixels are refused, for they have no value."""
    raw = raw.compute() if hasattr(raw, "compute") else raw
    if hidden := int(np.ma.count_masked(raw)) if np.ma.isMaskedArray(raw) else 0:
        raise StackError(
            f"{what} holds {hidden} masked pixel{'s' if hidden > 1 else ''}. Fill them first, for example with "
            "stack.filled(stack.mean())."
        )
    return np.asarray(raw)


def grey_of(raw: NDArray[Any], what: str) -> NDArray[Any]:
    """Return the grey of pixels that are stored as grey and alpha, RGB or RGBA, (Y, X, 2 to 4), but have no colour.

    Raises
    ------
    StackError
        When the colours differ, or some pixels are more transparent than others.
    """
    if raw.ndim != 3 or raw.shape[-1] not in (2, 3, 4):
        return raw
    colours = raw.shape[-1] - (raw.shape[-1] in _WITH_ALPHA)
    grey = raw[..., 0]
    if any(not np.array_equal(grey, raw[..., other]) for other in range(1, colours)):
        raise StackError(f"{what} looks like colour: its red, green and blue differ. Convert it to grey first.")
    alpha = raw[..., colours:]
    if alpha.size and alpha.min() != alpha.max():
        raise StackError(f"{what} is transparent in parts; expected grey. Convert it to grey first.")
    return grey


def as_float32(raw: NDArray[Any], what: str) -> NDArray[np.float32]:
    """Return a frame as float32, a copy.

    Raises
    ------
    StackError
        When pixels are NaN or infinite, or would be lost or turn equal as float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        frame = raw.astype(np.float32)
        low, high = float(raw.min()), float(raw.max())
    if not (math.isfinite(frame.min()) and math.isfinite(frame.max())):
        bad = frame.size - np.count_nonzero(np.isfinite(frame))
        raise StackError(
            f"{what} holds {bad} NaN or infinite pixel{'s' if bad > 1 else ''}; "
            "replace them (for example numpy.nan_to_num) and try again."
        )
    largest = max(abs(low), abs(high))
    if largest and not _LEAST <= largest <= _MOST:
        farthest = low if abs(low) == largest else high
        raise StackError(
            f"{what} reaches {farthest:.3g}; expected values between {_LEAST:g} and {_MOST:g} in size. "
            "Multiply the film by a factor, or mend the pixels that hold nonsense."
        )
    if 0 < high - low < 0.01 * largest:
        _refuse_faint(raw, largest, what)
    return frame


def _refuse_faint(raw: NDArray[Any], level: float, what: str) -> None:
    """Refuse what float32 would make equal; rounding of the film's own type is no structure and passes."""
    whole = raw.dtype.kind in "biu"
    if whole and level <= 2**24:
        return
    rounding = 0.0 if whole else 4 * float(np.finfo(raw.dtype).eps) * level
    spread = float(raw.std(dtype=np.float64))
    if rounding < spread < _FAINTEST * level:
        raise StackError(
            f"{what} varies by {spread:.2g} around {level:.3g}, less than single precision tells apart. "
            "Take the level away first, for example stack - stack.min()."
        )
