"""What was done to a table, step by step, so that it can be undone; free of Qt."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

_KEPT = 100


class Change(NamedTuple):
    """What was done, in words, and the table after it."""

    what: str
    table: pd.DataFrame


class Corrections:
    """A table and its earlier forms.

    Parameters
    ----------
    table : DataFrame

    Examples
    --------
    >>> kept = Corrections(pd.DataFrame({"particle": [1, 2]}))
    >>> kept.change("delete 2", pd.DataFrame({"particle": [1]}))
    >>> kept.undo(), kept.table.particle.tolist()
    ('delete 2', [1, 2])
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._past, self._future = [Change("", table)], list[Change]()

    @property
    def table(self) -> pd.DataFrame:
        """The table as it is now."""
        return self._past[-1].table

    @property
    def done(self) -> list[str]:
        """What was done and is not undone, the first first."""
        return [change.what for change in self._past[1:]]

    @property
    def undone(self) -> list[str]:
        """What was undone and may be done again, the next first."""
        return [change.what for change in reversed(self._future)]

    def change(self, what: str, table: pd.DataFrame) -> None:
        """Take another table; what was undone before cannot be done again."""
        self._past.append(Change(what, table))
        self._future.clear()
        del self._past[:-_KEPT]

    def undo(self) -> str:
        """Go back to the table before, and return what is undone.

        Raises
        ------
        IndexError
            When nothing was done.
        """
        if len(self._past) < 2:
            raise IndexError("nothing was done")
        self._future.append(self._past.pop())
        return self._future[-1].what

    def redo(self) -> str:
        """Do again what was undone last, and return what.

        Raises
        ------
        IndexError
            When nothing was undone.
        """
        self._past.append(self._future.pop())
        return self._past[-1].what
