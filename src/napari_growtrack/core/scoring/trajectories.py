"""Compare trajectories with the truth, by the measures of the ISBI Particle Tracking Challenge.

After Chenouard et al., Nat. Methods 11, 281, 2014: trajectories are paired with true ones so that their distance is the
least, where a position farther away than the gate counts as much as one that is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.spatial import cKDTree

from ..settings import Settings
from ..tables import check
from .matching import best_edges, match

GATE = 5.0
"""Farthest a position may be from the true one, in pixels, as in the challenge."""

_LINKED = ("frame", "y", "x", "particle")


class TrackScore(Settings):
    """How trajectories compare with true ones, by the challenge's measures.

    Attributes
    ----------
    alpha : float
        1 less the distance of paired trajectories, as a share of that without any trajectory: 1 is perfect, 0 no better
        than nothing.
    beta : float
        The same, with trajectories that belong to no true one counted against it; from 0 to `alpha`.
    jsc : float
        Positions within the gate on paired trajectories, over all positions, true, false and missed (Jaccard).
    jsc_theta : float
        The same of whole trajectories.
    rmse : float
        Root mean square distance of positions within the gate on paired trajectories, in pixels; nan without any.
    particles, trajectories, paired : int
    switches : int
        How often a true particle's positions go on under another number.
    gate : float
        In pixels.
    """

    alpha: float
    beta: float
    jsc: float
    jsc_theta: float
    rmse: float
    particles: int
    trajectories: int
    paired: int
    switches: int
    gate: float

    def __str__(self) -> str:
        return (
            f"alpha {self.alpha:.3f}, beta {self.beta:.3f}, JSC {self.jsc:.3f}, JSC of trajectories "
            f"{self.jsc_theta:.3f}, RMSE {self.rmse:.3f} px; {self.paired} of {self.particles} particles paired with "
            f"one of {self.trajectories} trajectories, {self.switches} switches of identity"
        )


@dataclass(frozen=True, eq=False)
class TrackComparison:
    """How trajectories compare with true ones, one by one.

    Attributes
    ----------
    score : TrackScore
    pairs : DataFrame
        ``truth, particle``: numbers of trajectories that belong together.
    switches : DataFrame
        ``frame, y, x, truth, before, particle``: where a true particle goes on under another number, by frames.
    """

    score: TrackScore
    pairs: pd.DataFrame
    switches: pd.DataFrame


def score_tracks(truth: pd.DataFrame, trajectories: pd.DataFrame, gate: float = GATE) -> TrackScore:
    """Return how trajectories compare with true ones; see `compare_tracks`.

    Examples
    --------
    >>> truth = pd.DataFrame({"frame": [0, 1], "y": [3.0, 3.0], "x": [4.0, 5.0], "particle": 0})
    >>> score_tracks(truth, truth).beta
    1.0
    >>> score_tracks(truth, truth.assign(y=4.0)).alpha
    0.8
    """
    return compare_tracks(truth, trajectories, gate).score


def compare_tracks(truth: pd.DataFrame, trajectories: pd.DataFrame, gate: float = GATE) -> TrackComparison:
    """Pair trajectories with true ones, one to one, at the least total distance.

    Gaps of trajectories are filled by straight lines, since the challenge asks for a position in every frame.

    Parameters
    ----------
    truth, trajectories : DataFrame
        With ``frame, y, x, particle``, in pixels.
    gate : float
        In pixels.

    Raises
    ------
    TableError
        When a column is missing or holds no numbers.
    """
    true, found = filled(check(truth, _LINKED)), filled(check(trajectories, _LINKED))
    pairs = _paired(true, found, gate)
    switches = _switches(true, found, gate)
    return TrackComparison(_score(true, found, pairs, len(switches), gate), pairs, switches)


def filled(trajectories: pd.DataFrame) -> pd.DataFrame:
    """Return ``frame, y, x, particle`` with a position in every frame from a trajectory's first to its last."""
    ordered = trajectories[[*_LINKED]].sort_values(["particle", "frame"], ignore_index=True)
    frames, particles = ordered["frame"].to_numpy(), ordered["particle"].to_numpy()
    inside = particles[1:] == particles[:-1]
    steps = np.append(np.where(inside, np.diff(frames), 1), 1)[: len(ordered)].clip(1)
    rows = np.repeat(np.arange(len(ordered)), steps)
    part = (np.arange(len(rows)) - np.repeat(np.cumsum(steps) - steps, steps)) / np.repeat(steps, steps)
    after = np.minimum(rows + 1, len(ordered) - 1)
    places = ordered[["y", "x"]].to_numpy()
    between = places[rows] + part[:, None] * (places[after] - places[rows])
    whole = frames[rows] + np.arange(len(rows)) - np.repeat(np.cumsum(steps) - steps, steps)
    return pd.DataFrame({"frame": whole, "y": between[:, 0], "x": between[:, 1], "particle": particles[rows]})


def _near(true: pd.DataFrame, found: pd.DataFrame, gate: float) -> np.ndarray:
    """Return all positions of a frame that are within the gate: rows ``i`` of the truth, ``j``, and distances ``v``."""
    apart = 2 * gate + 1  # frames lie farther from each other than the gate
    trees = [cKDTree(table[["frame", "y", "x"]].to_numpy(float) * (apart, 1, 1)) for table in (true, found)]
    near: np.ndarray = trees[0].sparse_distance_matrix(trees[1], gate, output_type="ndarray")
    return near


def _paired(true: pd.DataFrame, found: pd.DataFrame, gate: float) -> pd.DataFrame:
    """Return which trajectories belong together; none that is farther from the true one than nothing is."""
    if not len(true) or not len(found):
        return pd.DataFrame({"truth": [], "particle": []}, dtype=np.int64)
    (mine, i), (theirs, j) = (np.unique(table["particle"], return_inverse=True) for table in (true, found))
    near = _near(true, found, gate)
    gains = coo_array((gate - near["v"], (i[near["i"]], j[near["j"]])), shape=(len(mine), len(theirs)))
    gains.sum_duplicates()
    rows, columns = gains.coords
    spans = [table.groupby("particle")["frame"].agg(["min", "max"]).to_numpy() for table in (true, found)]
    first, last = (
        np.maximum(spans[0][rows, 0], spans[1][columns, 0]),
        np.minimum(spans[0][rows, 1], spans[1][columns, 1]),
    )
    alone = np.ptp(spans[1][columns], axis=1) - (last - first)  # frames in which there is only the trajectory
    benefit = gains.data - gate * alone
    chosen = best_edges(rows, columns, -benefit)
    return pd.DataFrame({"truth": mine[rows[chosen]], "particle": theirs[columns[chosen]]})


def _score(true: pd.DataFrame, found: pd.DataFrame, pairs: pd.DataFrame, switches: int, gate: float) -> TrackScore:
    renamed = found.rename(columns={"particle": "theirs"})
    joined = true.merge(pairs, left_on="particle", right_on="truth", suffixes=("", "_theirs"))
    both = joined.merge(renamed, left_on=["particle_theirs", "frame"], right_on=["theirs", "frame"], suffixes=("", "_"))
    distances = np.hypot(*(both[name].to_numpy() - both[f"{name}_"].to_numpy() for name in ("y", "x")))
    within = distances[distances <= gate]
    of_pairs = found["particle"].isin(pairs["particle"]).sum()
    union = len(joined) + of_pairs - len(both)
    nothing = gate * len(true)
    distance = np.minimum(distances, gate).sum() + gate * (union - len(both)) + gate * (len(true) - len(joined))
    spurious = gate * (len(found) - of_pairs)
    positions = len(true) + len(found) - len(within)
    particles, trajectories = true["particle"].nunique(), found["particle"].nunique()
    tracks = particles + trajectories - len(pairs)
    return TrackScore(
        alpha=float(1 - distance / nothing) if nothing else 1.0,
        beta=float((nothing - distance) / (nothing + spurious)) if nothing + spurious else 1.0,
        jsc=len(within) / positions if positions else 1.0,
        jsc_theta=len(pairs) / tracks if tracks else 1.0,
        rmse=float(np.sqrt(np.mean(np.square(within)))) if len(within) else float("nan"),
        particles=particles,
        trajectories=trajectories,
        paired=len(pairs),
        switches=switches,
        gate=gate,
    )


def _switches(true: pd.DataFrame, found: pd.DataFrame, gate: float) -> pd.DataFrame:
    """Return where a true particle's positions go on under another number."""
    parts = [_matched(rows, found_rows, gate) for rows, found_rows in _both(true, found)]
    columns = ["frame", "y", "x", "truth", "particle"]
    matched = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns, dtype=float)
    ordered = matched.sort_values(["truth", "frame"], ignore_index=True)
    before = ordered["particle"].shift().where(ordered["truth"] == ordered["truth"].shift())
    changed = before.notna() & (before != ordered["particle"])
    whole = {"frame": np.int64, "truth": np.int64, "before": np.int64, "particle": np.int64}
    return ordered.assign(before=before)[changed].astype(whole).sort_values("frame", kind="stable", ignore_index=True)


def _both(true: pd.DataFrame, found: pd.DataFrame) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    theirs = dict(iter(found.groupby("frame")))
    return [(rows, theirs[frame]) for frame, rows in true.groupby("frame") if frame in theirs]


def _matched(true: pd.DataFrame, found: pd.DataFrame, gate: float) -> pd.DataFrame:
    rows, columns, _ = match(true[["y", "x"]].to_numpy(), found[["y", "x"]].to_numpy(), gate)
    mine, theirs = true.iloc[rows], found.iloc[columns]
    return theirs.assign(truth=mine["particle"].to_numpy())[["frame", "y", "x", "truth", "particle"]]
