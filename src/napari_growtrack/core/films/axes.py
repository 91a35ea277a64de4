"""Which axes of an image are time, and which one plane of the others is the film."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import StackError
from .refusals import PICK_COLOUR, refuse_empty, shortened

TimeAxis = Literal["t", "z"]
"""``z`` takes slices as time; ``t`` never does."""

_UNKNOWN = "IQ"  # tifffile's letters for pages without a meaning
_CHOSEN = {"C": ("channel", "channels"), "Z": ("z", "z planes")}
_COLOURS = (3, 4)


@dataclass(frozen=True)
class Choice:
    """What is chosen of a film that has more axes than time, y and x.

    Attributes
    ----------
    channel, z : int or None
        Which channel and which z plane, from 0; needed where there are several.
    time_axis : {"t", "z"} or None
        Which axis is time; None takes slices as time where nothing else is time.
    """

    channel: int | None = None
    z: int | None = None
    time_axis: TimeAxis | None = None

    def __post_init__(self) -> None:
        """Refuse another axis."""
        if self.time_axis not in (None, "t", "z"):
            raise StackError(f"Time can be the axis t or z, got {self.time_axis!r}. Choose one, or leave it out.")


NOTHING_CHOSEN = Choice()


@dataclass(frozen=True)
class Plane:
    """The planes of an image that are the film.

    Attributes
    ----------
    shape : tuple of int
        Of all axes but y and x, which come last, and colour.
    time : int or None
        Which of them is time; None where there is a single frame.
    fixed : tuple of int
        What is chosen along each of them; 0 for time.
    film : (int, int, int)
        Frames, height and width.
    slices : bool
        Whether the axis of time is called z.
    colour : int or None
        Which axis of a plane is red, green, blue, and perhaps alpha.
    """

    shape: tuple[int, ...]
    time: int | None
    fixed: tuple[int, ...]
    film: tuple[int, int, int]
    slices: bool = False
    colour: int | None = None

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


def plane_of(axes: str, shape: Sequence[int], name: str, choice: Choice = NOTHING_CHOSEN) -> Plane:
    """Return which planes are the film.

    Parameters
    ----------
    axes : str
        A letter for each axis: ``T C Z Y X``, tifffile's ``I`` and ``Q`` for what has no
        meaning, ``S`` for colour.
    shape : sequence of int
    name : str
        Of the film, for messages.
    choice : Choice

    Raises
    ------
    StackError
        When the axes are others, or a choice is missing or not there.
    """
    got = f"{name} has axes {shortened(axes)} of lengths {shortened(str(tuple(shape)))}; expected TYX or YX"
    axes, shape, colour = _without_colour(axes, tuple(shape), got)
    before, lengths = axes[:-2], tuple(int(length) for length in shape[:-2])
    if axes[-2:] != "YX" or len(axes) != len(shape) or any(letter not in f"TCZ{_UNKNOWN}" for letter in before):
        raise StackError(f"{got}. Save the film again with its axes in this order, time first.")
    time = _time_of(before, lengths, choice, got)
    chosen = {"C": choice.channel, "Z": choice.z}
    fixed = tuple(
        0 if axis == time else _chosen(letter, length, chosen.get(letter), got)
        for axis, (letter, length) in enumerate(zip(before, lengths, strict=True))
    )
    for letter, value in chosen.items():
        if value not in (None, 0) and letter not in before:
            raise StackError(f"{name} has no {_CHOSEN[letter][1]} to choose among. Leave {_CHOSEN[letter][0]} out.")
    refuse_empty(shape, name)
    slices = time is not None and before[time] == "Z"
    film = (1 if time is None else lengths[time], int(shape[-2]), int(shape[-1]))
    return Plane(lengths, time, fixed, film, slices, colour)


def _without_colour(axes: str, shape: tuple[int, ...], got: str) -> tuple[str, tuple[int, ...], int | None]:
    """Take the axis of red, green and blue out; also return which of a plane's axes it was."""
    if "S" not in axes:
        return axes, shape, None
    place = axes.index("S")
    if len(axes) != len(shape) or axes.count("S") > 1 or shape[place] not in (1, *_COLOURS):
        raise StackError(f"{got} and this looks like colour. {PICK_COLOUR}")
    colour = place - len(axes)
    if colour not in (-1, -3):
        raise StackError(f"{got}. Save the film again with its axes in this order, time first.")
    return axes.replace("S", ""), shape[:place] + shape[place + 1 :], colour


def _time_of(before: str, lengths: tuple[int, ...], choice: Choice, got: str) -> int | None:
    """Return which axis is time: t, else one without a meaning, else slices, where none of them is chosen."""
    times = [axis for axis, letter in enumerate(before) if letter == "T"]
    times = times or [axis for axis, letter in enumerate(before) if letter in _UNKNOWN]
    if len(times) > 1:
        raise StackError(f"{got}. Save the film again with its axes in this order, time first.")
    moves = [axis for axis in times if lengths[axis] != 1]
    depths = [axis for axis, letter in enumerate(before) if letter == "Z"]
    if choice.time_axis == "z":
        if moves or not depths or choice.z is not None:
            why = "it has no z planes" if not depths else "another axis is time" if moves else "one z plane is chosen"
            raise StackError(f"{got}. Its slices cannot be time: {why}. Leave out time_axis (--time-axis) or z (--z).")
        return depths[0]
    if choice.time_axis is None and not moves and choice.z is None and depths and lengths[depths[0]] > 1:
        return depths[0]
    return times[0] if times else None


def _chosen(letter: str, length: int, value: int | None, got: str) -> int:
    """Return the place along an axis, 0 for what is no choice."""
    if letter not in _CHOSEN:
        return 0
    option, what = _CHOSEN[letter]
    if length == 1 and value is None:
        return 0
    if value is None or not 0 <= value < length:
        there = f"{length} {what}" if length > 1 else "one"
        raise StackError(f"{got}. Choose one of {there} with {option}=0 to {length - 1} (--{option}).")
    return value


def refuse_choice(name: str, choice: Choice) -> None:
    """Refuse a choice of channel, plane or axis where a film has none of them."""
    for option, what, value in (("channel", "channels", choice.channel), ("z", "z planes", choice.z)):
        if value not in (None, 0):
            raise StackError(f"{name} has no {what} to choose among. Leave {option} out.")
    if choice.time_axis == "z":
        raise StackError(f"{name} has no z planes to take as time. Leave time_axis (--time-axis) out.")


def slices_sentence(name: str, plane: Plane, choice: Choice) -> str | None:
    """Return what to say where slices were taken as time without being asked; None where nothing is to be said."""
    if not plane.slices or choice.time_axis == "z":
        return None
    return (
        f"{name} has no time axis, but {plane.film[0]} z slices: they are taken as its frames, as --time-axis z would. "
        "If they are depths, choose one of them with --z."
    )


def squares(width: Any, height: Any, name: str) -> tuple[float | None, str | None]:
    """Return the side of a pixel, and what to say where its width and height in micrometres are not the same."""
    if width and height and abs(width - height) > 0.01 * max(width, height):
        return None, (
            f"{name} has pixels of {width:g} x {height:g} µm (width, height), and lengths are reckoned in square ones: "
            "its pixel size is left out. Resample the film, or give the pixel size of the direction that you measure."
        )
    return width or height, None
