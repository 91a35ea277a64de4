"""Links between detections, cut into trajectories where they branch.

Where a particle divides, or two become one, trajectories end. Which continues which is kept in two columns:
``parent``, the trajectory that this one came out of, and ``child``, the one that it went into with others; -1 for none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

PARENT, CHILD = RELATIVES = ("parent", "child")


def with_particles(table: pd.DataFrame, links: np.ndarray) -> pd.DataFrame:
    """Return a table with the particle each row is, by its links alone.

    Parameters
    ----------
    table : DataFrame
        With ``frame``, and perhaps ``particle``: a number that a row had before, missing or below 0 for none. A
        trajectory keeps that of its first detection, where no earlier one has it.
    links : ndarray (k, 2) of int
        Rows that are one particle, in any order.
    """
    frames = table["frame"].to_numpy()
    links = _in_order(frames, links)
    found, branches = _pieces(links, len(table))
    table = table.assign(particle=_numbers(table, found))
    return _with_relatives(table.drop(columns=[PARENT, CHILD], errors="ignore"), links, branches)


def links_of(table: pd.DataFrame) -> np.ndarray:
    """Return the rows of detections that follow one another, within a trajectory and into the next, (n, 2)."""
    if "particle" not in table or len(table) < 2:
        return np.empty((0, 2), np.int64)
    frames, particles = table["frame"].to_numpy(), table["particle"].to_numpy()
    order = np.lexsort([frames, particles])
    same = particles[order][1:] == particles[order][:-1]
    last, first = order[np.append(~same, True)], order[np.append(True, ~same)]
    ends = {"last": dict(zip(particles[last], last, strict=True))}
    ends["first"] = dict(zip(particles[first], first, strict=True))
    links = [np.stack([order[:-1][same], order[1:][same]], 1)]
    for column, sides in ((PARENT, ("last", "first")), (CHILD, ("first", "last"))):
        if column not in table:
            continue
        told = table[[column, "particle"]].drop_duplicates().to_numpy()
        pairs = [[ends[s].get(one) for s, one in zip(sides, pair, strict=True)] for pair in told]
        whole = np.array([pair for pair in pairs if None not in pair], np.int64).reshape(-1, 2)
        links.append(whole if column == PARENT else whole[:, ::-1])
    found = np.concatenate(links)
    return np.unique(found[frames[found[:, 0]] < frames[found[:, 1]]], axis=0)


def _in_order(frames: np.ndarray, links: np.ndarray) -> np.ndarray:
    """Return links from the earlier to the later, each once; none within a frame, where no particle is twice."""
    links = np.asarray(links, np.int64).reshape(-1, 2)
    times = frames[links]
    links = np.where((times[:, 0] > times[:, 1])[:, None], links[:, ::-1], links)
    return np.unique(links[times[:, 0] != times[:, 1]], axis=0)


def _pieces(links: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which unbranched piece each row is in, and which links are at branches."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    leaving, coming = (np.bincount(links[:, side], minlength=rows) for side in (0, 1))
    straight = (leaving[links[:, 0]] == 1) & (coming[links[:, 1]] == 1)
    graph = coo_array((np.ones(straight.sum()), links[straight].T), shape=(rows, rows))
    return connected_components(graph, directed=False)[1].astype(np.int64), ~straight


def _numbers(table: pd.DataFrame, found: np.ndarray) -> np.ndarray:
    """Return a number for each piece: its own from before, or a new one."""
    if "particle" not in table:
        return found
    told = pd.DataFrame({"found": found, "said": table["particle"].to_numpy(), "frame": table["frame"].to_numpy()})
    told = told.sort_values("frame", kind="stable").dropna().query("said >= 0")
    kept = told.drop_duplicates("found").drop_duplicates("said").set_index("found")["said"].astype(np.int64)
    numbers = pd.Series(-1, index=pd.RangeIndex(found.max() + 1 if len(found) else 0), dtype=np.int64)
    numbers[kept.index] = kept
    new = numbers < 0
    numbers[new] = np.arange(new.sum()) + 1 + told["said"].max() if len(told) else np.arange(len(numbers))
    return numbers.to_numpy()[found]


def _with_relatives(table: pd.DataFrame, links: np.ndarray, branches: np.ndarray) -> pd.DataFrame:
    """Return a table with parents and children, where there are any."""
    if not branches.any():
        return table
    merging = np.bincount(links[:, 1], minlength=len(table))[links[:, 1]] > 1
    particle = table["particle"].to_numpy()
    before, after = particle[links].T
    told = {
        PARENT: dict(zip(after[branches & ~merging], before[branches & ~merging], strict=True)),
        CHILD: dict(zip(before[branches & merging], after[branches & merging], strict=True)),
    }
    columns = {name: table["particle"].map(who).fillna(-1).astype(np.int64) for name, who in told.items() if who}
    return table.assign(**columns)


def lineages_of(table: pd.DataFrame) -> np.ndarray:
    """Return for each row the least number of the trajectories that branches join its own to, (n,)."""
    particle = table["particle"].to_numpy()
    return np.array([*map(families(np.unique(particle), particle[links_of(table)]).get, particle)], np.int64)


def families(numbers: np.ndarray, links: np.ndarray) -> dict[int, int]:
    """Return for each trajectory the least number of those that links of trajectories, (k, 2), join it to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.searchsorted(numbers, links)
    graph = coo_array((np.ones(len(ends)), ends.T), shape=(len(numbers), len(numbers)))
    labels = connected_components(graph, directed=False)[1]
    least = pd.Series(numbers).groupby(labels).transform("min")
    return dict(zip(numbers.tolist(), least.tolist(), strict=True))


def relatives_of_parts(table: pd.DataFrame, later: pd.Series, old: int, new: int) -> pd.DataFrame:
    """Return parents and children as they are once the later rows of one trajectory have a number of their own."""
    earlier = (table["particle"] == old) & ~later
    if PARENT in table:
        table = table.assign(**{PARENT: table[PARENT].mask(table[PARENT] == old, new).mask(later, -1)})
    return table.assign(**{CHILD: table[CHILD].mask(earlier, -1)}) if CHILD in table else table


def relatives_of_joined(table: pd.DataFrame, rows: pd.Series, particle: int) -> pd.DataFrame:
    """Return parents and children as they are once some rows, of several trajectories, are one."""
    seen, joined = table[rows].sort_values("frame", kind="stable"), table.loc[rows, "particle"].unique()
    for column, end in ((PARENT, 0), (CHILD, -1)):
        if column in table:
            others = table[column].mask(table[column].isin(joined), particle)
            table = table.assign(**{column: others.mask(rows, seen[column].iloc[end])})
    return table
