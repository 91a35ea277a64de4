"""How far particles move from a frame to the next, as far as their positions tell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from ..tables import check
from .repeats import places_of, repeated_frames, steps_of

_FRAMES = 100
_MOVES = 4.0
"""The search begins with this many times the median move: of a Brownian particle's, one in 65 000 is longer."""

_WIDER = 1.15
_ROOM = 0.8
"""Part of the distance to the nearest neighbour that a search may take up: up to here links in a simulated crowd
stay as right as those of nearer searches, beyond they swap."""

_LEAST, _UNKNOWN = 1.0, 5.0
_RIM = 0.8
_CUT = 0.05
"""Where more than this part of the mean square move comes from the outer fifth of a search, it cuts moves off, or links
what does not belong together. Brownian moves that end at 3.8 standard deviations reach it; D is then 1 % too small."""

_ENOUGH = 5
"""So few moves at the rim are no reason to search farther, nor to warn."""


class Suggestion(NamedTuple):
    """A search radius, and why.

    Attributes
    ----------
    radius : float
        In pixels.
    reason : str
        Sentences, the warning with them.
    crowded : bool
        Whether particles move about as far as they are apart, so that no radius
        links all of them rightly.
    warning : str
        Why moves do not end before the radius, so that links and D may be wrong; empty where they do.
    """

    radius: float
    reason: str
    crowded: bool
    warning: str = ""


def suggest_radius(detections: pd.DataFrame, keep_repeats: bool = False) -> Suggestion:
    """Suggest how far to search for a particle in the next frame.

    The search begins at four times the median move, that is the distance of
    detections that are each other's nearest in two frames, and widens until moves end before it, that is until its
    outer fifth adds less than a twentieth to the mean square move. It is never
    wider than 0.8 times the median distance to the nearest other particle of the
    same frame, beyond which links swap. At most 100 pairs of frames count, spread
    over the film; frames that repeat the one before do not.

    Parameters
    ----------
    detections : DataFrame
        With ``frame, y, x``, in pixels.
    keep_repeats : bool
        As in `Linking`.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.

    Examples
    --------
    >>> film = pd.DataFrame({"frame": [0, 1, 2], "y": [5.0, 6.0, 7.0], "x": [5.0, 5.0, 5.0]})
    >>> round(suggest_radius(film).radius, 1)
    4.0
    """
    table = check(detections)
    if not keep_repeats:
        table = _without(table, repeated_frames(table))
    moves, apart = _lengths(table)
    if not len(moves):
        return Suggestion(_UNKNOWN, "No two frames in a row hold particles, so their moves are unknown.", False)
    move = float(np.median(moves))
    room = max(_ROOM * float(np.median(apart)) if len(apart) else np.inf, _LEAST)
    radius = _wide_enough(moves, max(_MOVES * move, _LEAST), room)
    told = f"The next frame's nearest particle is typically {move:.2g} px away"
    if not is_cut(moves, radius):
        return Suggestion(radius, f"{told}; nearly all moves are shorter than {radius:.2g} px.", False)
    crowded = radius == room
    warning = _warning(radius, room / _ROOM if crowded else None)
    return Suggestion(radius, f"{told}. {warning}", crowded, warning)


def _warning(radius: float, apart: float | None) -> str:
    """Say that moves do not end, because others are `apart` only, or because detections come and go."""
    if apart is not None:
        return (
            f"The nearest other particle is typically {apart:.2g} px away, too near to search farther than "
            f"{radius:.2g} px, where moves do not end. Some links will be wrong, and D with them; record faster, or "
            "fewer particles."
        )
    return (
        f"Moves do not end at {radius:.2g} px: farther away, detections that come and go are linked by chance. "
        "Some links will be wrong, and D with them; keep surer detections only, or record faster."
    )


def _without(table: pd.DataFrame, repeated: np.ndarray) -> pd.DataFrame:
    kept = table[~table["frame"].isin(repeated)]
    return kept.assign(frame=steps_of(kept["frame"].to_numpy(), repeated))


def is_cut(moves: np.ndarray, radius: float) -> bool:
    """Return whether moves do not end before the radius of a search: its outer fifth holds too many."""
    return int((moves[moves <= radius] > _RIM * radius).sum()) >= _ENOUGH and rim_share(moves, radius) > _CUT


def rim_share(moves: np.ndarray, radius: float) -> float:
    """Return which part of the mean square of moves up to a radius its outer fifth has, 0 without any."""
    squares = np.square(moves[moves <= radius])
    whole = squares.sum()
    return float(squares[squares > (_RIM * radius) ** 2].sum() / whole) if whole else 0.0


def _wide_enough(moves: np.ndarray, start: float, room: float) -> float:
    """Return the least radius that does not cut moves off, or the one within room that cuts off least."""
    radius, tried = min(start, room), []
    while is_cut(moves, radius):
        tried.append((rim_share(moves, radius), radius))
        if radius == room or radius > moves.max():
            return min(tried)[1]
        radius = min(_WIDER * radius, room)
    return radius


def _lengths(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return distances of particles that are each other's nearest in two frames, and to the nearest in the same one."""
    places = places_of(table)
    pairs = [frame for frame in places if frame + 1 in places]
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, _FRAMES).astype(int))] if pairs else []
    parts = [_lengths_of(places[frame], places[frame + 1]) for frame in chosen] or [(np.empty(0),) * 2]
    moves, apart = map(np.concatenate, zip(*parts, strict=True))
    return moves, apart


def _lengths_of(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    trees = cKDTree(one), cKDTree(other)
    nearest, forward = trees[1].query(one)
    _, back = trees[0].query(other)
    apart = trees[0].query(one, k=2)[0][:, 1]
    mutual = back[forward] == np.arange(len(one))
    return nearest[mutual], apart[np.isfinite(apart)]
