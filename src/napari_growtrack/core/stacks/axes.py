"""Which axes of an image are time, and which one plane of the others is the film."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import StackError
from .stack import PICK_COLOUR, refuse_empty

_UNKNOWN = "IQ"  # tifffile's letters for pages without a meaning
_CHOSEN = {"C": ("channel", "channels"), "Z": ("z", "z planes")}
_MICROMETRES = {"µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "nm": 1e-3}
_MICROMETRES |= {"nanometer": 1e-3, "mm": 1e3, "millimeter": 1e3, "\\u00b5m": 1.0}
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "ms": 1e-3, "millisecond": 1e-3, "min": 60.0, "minute": 60.0}


@dataclass(frozen=True)
class Plane:
    """The planes of an image that are the film.

    Attributes
    ----------
    shape : tuple of int
        Of all axes but y and x, which come last.
    time : int or None
        Which of them is time; None where there is a single frame.
    fixed : tuple of int
        What is chosen along each of them; 0 for time.
    film : (int, int, int)
        Frames, height and width.
    """

    shape: tuple[int, ...]
    time: int | None
    fixed: tuple[int, ...]
    film: tuple[int, int, int]

    def at(self, number: int) -> tuple[int, ...]:
        """Return the place of a frame along all axes but y and x."""
        return tuple(number if axis == self.time else place for axis, place in enumerate(self.fixed))

    def page(self, number: int) -> int:
        """Return how many planes are stored before a frame."""
        page = 0
        for length, place in zip(self.shape, self.at(number), strict=True):
            page = page * length + place
        return page

    @property
    def planes(self) -> int:
        """How many planes there are in all."""
        return math.prod(self.shape)


def plane_of(axes: str, shape: Sequence[int], name: str, channel: int | None = None, z: int | None = None) -> Plane:
    """Return which planes are the film.

    Parameters
    ----------
    axes : str
        A letter for each axis: ``T C Z Y X``, tifffile's ``I`` and ``Q`` for what has no
        meaning, ``S`` for colour.
    shape : sequence of int
    name : str
        Of the film, for messages.
    channel, z : int, optional
        Which channel and which z plane, from 0; needed where there are several.

    Raises
    ------
    StackError
        When the axes are others, or a choice is missing or not there.
    """
    got = f"{name} has axes {axes} of lengths {tuple(shape)}; expected TYX or YX"
    if "S" in axes and shape[axes.index("S")] > 1:
        raise StackError(f"{got} and this looks like colour. {PICK_COLOUR}")
    before, lengths = axes[:-2], tuple(int(length) for length in shape[:-2])
    times = [axis for axis, letter in enumerate(before) if letter == "T"]
    times = times or [axis for axis, letter in enumerate(before) if letter in _UNKNOWN]
    if axes[-2:] != "YX" or len(times) > 1 or any(letter not in f"TCZ{_UNKNOWN}" for letter in before):
        raise StackError(f"{got}. Save the film again with its axes in this order, time first.")
    chosen = {"C": channel, "Z": z}
    fixed = [_chosen(letter, length, chosen.get(letter), got) for letter, length in zip(before, lengths, strict=True)]
    for letter, value in chosen.items():
        if value not in (None, 0) and letter not in before:
            raise StackError(f"{name} has no {_CHOSEN[letter][1]} to choose among. Leave {_CHOSEN[letter][0]} out.")
    refuse_empty(tuple(shape), name)
    time = times[0] if times else None
    frames = 1 if time is None else lengths[time]
    return Plane(lengths, time, tuple(fixed), (frames, int(shape[-2]), int(shape[-1])))


def _chosen(letter: str, length: int, value: int | None, got: str) -> int:
    """Return the place along an axis, 0 for time."""
    if letter not in _CHOSEN:
        return 0
    option, what = _CHOSEN[letter]
    if length == 1 and value is None:
        return 0
    if value is None or not 0 <= value < length:
        there = f"{length} {what}" if length > 1 else "one"
        raise StackError(f"{got}. Choose one of {there} with {option}=0 to {length - 1} (--{option}).")
    return value


def micrometres(value: float | str | None, unit: str | None) -> float | None:
    """Return a length in micrometres; None where the unit is none, or the length no length."""
    return _scaled(value, unit, _MICROMETRES)


def seconds(value: float | str | None, unit: str | None) -> float | None:
    """Return a time in seconds; None where the unit is none, or the time no time."""
    return _scaled(value, unit, _SECONDS)


def _scaled(value: float | str | None, unit: str | None, known: dict[str, float]) -> float | None:
    try:
        number = float(value) * known[(unit or "").strip().lower()] if value is not None else math.nan
    except (ValueError, KeyError):
        return None
    return number if math.isfinite(number) and number > 0 else None
