"""Choose detections among candidates by other thresholds, without asking the network again."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from ..tables import NO_LIMITS, Limits
from .cascade import Cascade, standing_out


class Sieve:
    """Candidates of one or many frames, from which thresholds choose.

    With the cascade's own thresholds, exactly its detections are chosen. With
    others, positions stay those of the fit that was made.

    Parameters
    ----------
    candidates : DataFrame
        As `iter_detections` yields them with `doubtful`, of any number of frames:
        ``frame, y, x, distance, significance``, and the columns that are limited.
    cascade : Cascade
        The one they were found with; its merging distance counts.
    zoom : float
        Of the network that found them.

    Examples
    --------
    >>> sieve = Sieve(candidates, cascade, network.zoom)  # doctest: +SKIP
    >>> candidates[sieve(accept_distance=0.5)]  # doctest: +SKIP
    """

    def __init__(self, candidates: pd.DataFrame, cascade: Cascade, zoom: float = 1.0) -> None:
        self.cascade = cascade
        self._candidates = candidates
        self._zoom = zoom
        self._distances = zoom * candidates["distance"].to_numpy(float)
        self._significances = candidates["significance"].to_numpy(float)
        self._pairs = _near_pairs(candidates, cascade.merge_distance / zoom)

    def __len__(self) -> int:
        return len(self._distances)

    def __call__(
        self,
        accept_distance: float | None = None,
        least_significance: float | None = None,
        limits: Limits = NO_LIMITS,
    ) -> np.ndarray:
        """Tell which candidates are detections, (n,) of bool.

        Parameters
        ----------
        accept_distance : float, optional
            T2, in pixels of the film, as the table's distances; by default the
            cascade's.
        least_significance : float, optional
            By default the cascade's.
        limits : Limits, optional
            Of other columns: detections outside are left out, and nothing takes their place.

        Raises
        ------
        TableError
            When a column that is limited is not there.
        """
        mine = self.cascade
        farthest = mine.on_film(self._zoom, accept_distance=accept_distance).accept_distance
        least = mine.least_significance if least_significance is None else least_significance
        good = self._distances < farthest
        if mine.polish:
            good &= standing_out(self._significances, self._distances, least, mine.doubt)
        for surer, other in self._pairs[good[self._pairs].all(1)]:
            if good[surer]:
                good[other] = False
        return good & limits.inside(self._candidates) if limits else good


def _near_pairs(candidates: pd.DataFrame, radius: float) -> np.ndarray:
    """Return candidates of one frame that may be one particle, (n, 2): the surer one first, surest pairs first."""
    if not len(candidates):
        return np.empty((0, 2), int)
    positions = candidates[["y", "x"]].to_numpy(float)
    tree = cKDTree(np.column_stack([2 * radius * candidates["frame"].to_numpy(float), positions]))
    order = np.argsort(candidates["distance"].to_numpy(float), kind="stable")
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    pairs = tree.query_pairs(radius, output_type="ndarray")
    if "votes" in candidates:  # what no window saw, but a fit, is no double
        pairs = pairs[(candidates["votes"].to_numpy()[pairs] > 0).all(1)]
    ranks = np.sort(rank[pairs], axis=1)
    return order[ranks[np.lexsort(ranks.T[::-1])]]
