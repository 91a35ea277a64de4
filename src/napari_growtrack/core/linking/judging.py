"""Judge links where it is known which particle each detection is."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd


class LinkScore(NamedTuple):
    """How good links are.

    Attributes
    ----------
    purity : float
        Share of the links that join two detections of one particle that follow one another.
    completeness : float
        Share of such pairs that are linked.
    """

    purity: float
    completeness: float


def score_links(trajectories: pd.DataFrame, truth: str = "truth") -> LinkScore:
    """Compare links with the truth.

    Parameters
    ----------
    trajectories : DataFrame
        With ``frame``, ``particle``, and a column of true particles.
    truth : str
        That column's name.
    """
    mine, right = _links(trajectories, "particle"), _links(trajectories, truth)
    both = len(mine & right)
    return LinkScore(both / len(mine) if mine else 1.0, both / len(right) if right else 1.0)


def _links(table: pd.DataFrame, column: str) -> set[tuple[int, int]]:
    """Return the pairs of rows that follow one another in a trajectory."""
    ordered = table.reset_index(drop=True).sort_values([column, "frame"])
    same = ordered[column].to_numpy()[1:] == ordered[column].to_numpy()[:-1]
    rows = ordered.index.to_numpy()
    return set(zip(rows[:-1][same].tolist(), rows[1:][same].tolist(), strict=True))
