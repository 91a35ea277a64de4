"""A part of a film's frames, such as what a window shows; free of Qt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ...core.films import CroppedStack, Stack
from .choice import Choice


class Region(NamedTuple):
    """A part of a film's frames, in whole pixels: from the first row and column to before the last."""

    top: int
    left: int
    bottom: int
    right: int

    def widened(self, margin: int, shape: tuple[int, int]) -> Region:
        """Return a part larger on all sides, as far as frames (Y, X) reach."""
        top, left = max(self.top - margin, 0), max(self.left - margin, 0)
        return Region(top, left, min(self.bottom + margin, shape[0]), min(self.right + margin, shape[1]))

    def inside(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table that lie in it."""
        y, x = table["y"].to_numpy(), table["x"].to_numpy()
        rows = (y >= self.top - 0.5) & (y < self.bottom - 0.5)
        return table[rows & (x >= self.left - 0.5) & (x < self.right - 0.5)]


class Part:
    """A film, or the part of it that is looked at, and how to bring what was found there back."""

    def __init__(self, film: Stack, region: Region | None, choice: Choice) -> None:
        self.film, self._region = film, region
        if region is not None:
            margin = int(np.ceil(choice.card.plan.side / choice.zoom / 2))
            self._wide = region.widened(margin, film.shape[1:])
            rows, columns = slice(self._wide.top, self._wide.bottom), slice(self._wide.left, self._wide.right)
            self.film = CroppedStack(film, rows, columns)

    def on_film(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return what was found in the part, in pixels of the whole film."""
        if self._region is None:
            return table
        return self._region.inside(table.assign(y=table["y"] + self._wide.top, x=table["x"] + self._wide.left))
