"""Pair true with found positions, one to one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from ..errors import SettingsError

WITHIN = 5.0
"""Farthest that a found position may be from the true one, in pixels."""

_FEW = 2500
_ROUNDED = 1 + 1e-9
_SMALL = 20_000
"""Elements of a matrix that is assigned faster whole than as a sparse graph."""

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


def spread(values: np.ndarray) -> float:
    """Return half the width that holds 68 % of some values: for normal ones, their standard deviation."""
    low, high = np.percentile(values, (16, 84))
    return float(high - low) / 2


def match(truth: np.ndarray, found: np.ndarray, within: float) -> Pairs:
    """Pair as many positions as possible, at the least total distance.

    Parameters
    ----------
    truth : ndarray (n, 2)
    found : ndarray (m, 2)
    within : float
        Farthest a pair may be apart, in pixels; infinite where any distance will do.

    Returns
    -------
    rows, columns : ndarray (k,) of int
        Indices into `truth` and `found` of each pair, in the order of `truth`.
    distances : ndarray (k,)
        In pixels.

    Raises
    ------
    SettingsError
        When `within` is below 0, or no number.
    """
    if not within >= 0:  # nan, too
        raise SettingsError(f"Expected a distance in pixels, a number from 0, got {within}.")
    if len(truth) * len(found) <= _FEW:
        return _match_all(truth, found, within)
    parts = []
    for mine, theirs in _clusters(truth, found, within):
        rows, columns, distances = _match_all(truth[mine], found[theirs], within)
        parts.append((mine[rows], theirs[columns], distances))
    rows, columns, distances = map(np.concatenate, zip(*parts, strict=True))
    order = np.argsort(rows)
    return rows[order], columns[order], distances[order]


def _clusters(truth: np.ndarray, found: np.ndarray, within: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield indices of positions that chains of possible pairs connect; what is in different clusters cannot pair."""
    trees = cKDTree(truth), cKDTree(found)
    near = trees[0].sparse_distance_matrix(trees[1], within * _ROUNDED, output_type="ndarray")
    first, number = len(truth), len(truth) + len(found)
    graph = coo_array((np.ones(len(near), bool), (near["i"], first + near["j"])), shape=(number, number))
    _, labels = connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        yield members[members < first], members[members >= first] - first


def _match_all(truth: np.ndarray, found: np.ndarray, within: float) -> Pairs:
    if not len(truth) or not len(found):
        nothing = np.empty(0, int)
        return nothing, nothing, np.empty(0)
    distances = cdist(truth, found)
    too_far = (min(len(truth), len(found)) + 1) * within + 1  # one such pair costs more than all good ones
    rows, columns = linear_sum_assignment(np.where(distances <= within, distances, too_far))
    good = distances[rows, columns] <= within
    rows, columns = rows[good], columns[good]
    return rows, columns, distances[rows, columns]


def best_edges(rows: np.ndarray, columns: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Return which edges of a bipartite graph to take, at most one of each row and column, at the least total cost.

    Exact, by Jonker and Volgenant's algorithm, on the sparse graph where it is large. Edges that cost 0 or more are
    never taken.

    Parameters
    ----------
    rows, columns : ndarray (n,) of int
        From 0; no edge comes twice.
    costs : ndarray (n,)

    Returns
    -------
    ndarray (k,) of int
        Indices of the edges, ascending.

    Examples
    --------
    >>> best_edges(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([-3.0, -2.0, -2.0])).tolist()
    [1, 2]
    """
    useful = np.flatnonzero(costs < 0)
    r, c = rows[useful], columns[useful]
    alone = (np.bincount(r)[r] == 1) & (np.bincount(c)[c] == 1) if len(useful) else np.empty(0, bool)
    rest = useful[~alone]
    (_, r), (_, c) = (np.unique(some[rest], return_inverse=True) for some in (rows, columns))
    matched = _best_of(r, c, costs[rest]) if len(rest) else np.empty(0, bool)
    return np.sort(np.concatenate([useful[alone], rest[matched]]))


def _best_of(r: np.ndarray, c: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Return which edges to take, (n,) of bool; rows and columns count from 0 without a gap, costs are below 0."""
    n, m = int(r.max()) + 1, int(c.max()) + 1
    if n * m <= _SMALL:
        matrix = np.zeros((n, m))  # an edge that costs nothing is none
        matrix[r, c] = costs
        matched_rows, matched = linear_sum_assignment(matrix)
    else:
        # Each row may stay alone, by a column of its own. The solver wants whole matchings, and weights above 0.
        least = costs.min() - 1
        own = coo_array((np.full(n, -least), (np.arange(n), m + np.arange(n))), shape=(n, m + n))
        graph = coo_array((costs - least, (r, c)), shape=(n, m + n)) + own
        matched_rows, matched = min_weight_full_bipartite_matching(graph.tocsr())
    taken = np.full(n, -1)
    taken[matched_rows] = matched
    return np.asarray(taken[r] == c)
