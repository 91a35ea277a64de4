"""Limits on the columns of detections: the least and the greatest value with which they are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from ..errors import SettingsError, TableError
from .columns import DETECTION_COLUMNS

Ends = tuple[float | None, float | None]
"""The least and the greatest value; None for no end."""


@dataclass(frozen=True)
class Limits:
    """Which values of which columns are kept; without any, all are.

    Attributes
    ----------
    spans : tuple of (str, float, float)
        A column, its least and its greatest value, which are kept too; -inf and inf where that side is open.

    Examples
    --------
    >>> limits = Limits.of({"radius": (1, 3), "signal": (500, None)})
    >>> limits.plain()
    {'radius': [1.0, 3.0], 'signal': [500.0, None]}
    >>> limits.inside(pd.DataFrame({"radius": [2, 4], "signal": [900, 900]}))
    array([ True, False])
    """

    columns: ClassVar[tuple[str, ...]] = DETECTION_COLUMNS
    of_what: ClassVar[str] = "detections"
    missing: ClassVar[str] = "Track the film anew."

    spans: tuple[tuple[str, float, float], ...] = ()

    @classmethod
    def of(cls, ends: Mapping[str, Ends]) -> Self:
        """Return limits of a least and a greatest value by column; None for no end.

        Raises
        ------
        SettingsError
            When there is no such column, or no value is between the two.
        """
        known = {name: cls._span(name, *two) for name, two in ends.items()}
        return cls(tuple((name, *known[name]) for name in sorted(known) if known[name] != _OPEN))

    def __bool__(self) -> bool:
        return bool(self.spans)

    def of_column(self, name: str) -> tuple[float, float]:
        """Return the least and the greatest value of a column; -inf and inf where it has none."""
        return next(((low, high) for column, low, high in self.spans if column == name), _OPEN)

    def with_(self, name: str, low: float | None, high: float | None) -> Self:
        """Return limits that differ in one column."""
        ends: dict[str, Ends] = {column: (least, greatest) for column, least, greatest in self.spans}
        return type(self).of({**ends, name: (low, high)})

    def inside(self, table: pd.DataFrame) -> np.ndarray:
        """Tell which rows of a table are kept, (n,) of bool; what is not known lies outside its column's limits.

        Raises
        ------
        TableError
            When the table has no such column.
        """
        stays = np.ones(len(table), bool)
        for name, low, high in self.spans:
            if name not in table:
                raise TableError(f"Expected a column {name}, got {', '.join(map(str, table))}. {self.missing}")
            values = table[name].to_numpy(float)
            stays &= (values >= low) & (values <= high)
        return stays

    def plain(self) -> dict[str, list[float | None]]:
        """Return them as a recipe keeps them."""
        return {name: [end if math.isfinite(end) else None for end in span] for name, *span in self.spans}

    @classmethod
    def _span(cls, name: str, low: float | None, high: float | None) -> tuple[float, float]:
        if name not in cls.columns:
            raise SettingsError(f"Expected a column of {cls.of_what}, got {name}. Choose of {', '.join(cls.columns)}.")
        least, greatest = -math.inf if low is None else float(low), math.inf if high is None else float(high)
        if not least <= greatest:
            raise SettingsError(
                f"Expected a least {name} up to its greatest, got {low} and {high}. Exchange or mend them."
            )
        return least, greatest


NO_LIMITS = Limits()
_OPEN = (-math.inf, math.inf)
