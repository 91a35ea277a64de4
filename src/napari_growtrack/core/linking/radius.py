"""How far particles move from a frame to the next, as far as their positions tell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from ..tables import check

_FRAMES = 100
_MOVES = 4.0
"""The radius is this many times the median move: of a Brownian particle's moves, one in 65 000 is longer."""

_ROOM = 0.6
"""Part of the distance to the nearest neighbour that a search may take up before it meets other particles."""

_LEAST = 1.0


class Suggestion(NamedTuple):
    """A search radius, and why.

    Attributes
    ----------
    radius : float
        In pixels.
    reason : str
        A sentence.
    crowded : bool
        Whether particles move about as far as they are apart, so that no radius
        links all of them rightly.
    """

    radius: float
    reason: str
    crowded: bool


def suggest_radius(detections: pd.DataFrame) -> Suggestion:
    """Suggest how far to search for a particle in the next frame.

    Two lengths decide: how far the nearest detection of the next frame is,
    which is how far particles move where they move less than they are apart, and
    how far the nearest other particle of the same frame is. Both are medians over
    at most 100 pairs of frames, spread over the film.

    Parameters
    ----------
    detections : DataFrame
        With ``frame, y, x``, in pixels.

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
    moves, apart = _lengths(check(detections))
    if not len(moves):
        return Suggestion(5.0, "No two frames in a row hold particles, so their moves are unknown.", False)
    move = float(np.median(moves))
    wanted = max(_MOVES * move, _LEAST)
    room = _ROOM * float(np.median(apart)) if len(apart) else np.inf
    told = f"The next frame's nearest particle is typically {move:.2g} px away"
    if wanted <= room:
        return Suggestion(wanted, f"{told}; nearly all moves are shorter than {wanted:.2g} px.", False)
    return Suggestion(
        max(room, _LEAST),
        f"{told}, and the nearest other particle {room / _ROOM:.2g} px: too near to search {wanted:.2g} px around. "
        "Some links will be wrong; record faster, or fewer particles.",
        True,
    )


def _lengths(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return distances to the nearest particle of the next frame, and of the same one."""
    frames = {int(str(frame)): rows[["y", "x"]].to_numpy(float) for frame, rows in table.groupby("frame")}
    pairs = [frame for frame in frames if frame + 1 in frames]
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, _FRAMES).astype(int))] if pairs else []
    moves, apart = [np.empty(0)], [np.empty(0)]
    for frame in chosen:
        moves.append(cKDTree(frames[frame + 1]).query(frames[frame])[0])
        if len(frames[frame]) > 1:
            apart.append(cKDTree(frames[frame]).query(frames[frame], k=2)[0][:, 1])
    return np.concatenate(moves), np.concatenate(apart)
