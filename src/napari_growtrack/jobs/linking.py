"""Link detections to trajectories: those of a layer, or those of a table on the disk."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..core.files import check_apart
from ..core.linking import (
    Linkage,
    Linking,
    Suggestion,
    drop_doubtful,
    iter_linkage,
    provenance_of,
    suggest_radius,
)
from ..core.progress import Progress
from ..core.tables import check_table, read_recipe, read_table, write_table
from .context import Context


@dataclass(frozen=True, eq=False)
class SuggestRadius:
    """Suggest how far to search for a particle in the next frame."""

    detections: pd.DataFrame

    def steps(self, context: Context) -> Iterator[Suggestion]:
        """Yield a `Suggestion`."""
        yield suggest_radius(self.detections)


@dataclass(frozen=True, eq=False)
class LinkPoints:
    """Link detections, and drop trajectories that are typically doubtful."""

    detections: pd.DataFrame
    linking: Linking
    farthest: float | None = None
    least_significance: float | None = None

    def steps(self, context: Context | None = None) -> Generator[Progress, None, Linkage]:
        """Yield `Progress`; return what linking brought, without doubtful trajectories."""
        linkage = yield from iter_linkage(self.detections, self.linking)
        kept = drop_doubtful(linkage.trajectories, self.farthest, self.least_significance)
        return replace(linkage, trajectories=kept)


class LinkedTable(NamedTuple):
    """What came of linking a table.

    Attributes
    ----------
    path : Path
        Where the trajectories are.
    linkage : Linkage
        What linking brought, without doubtful trajectories.
    detections : int
        How many there were to link.
    """

    path: Path
    linkage: Linkage
    detections: int


@dataclass(frozen=True)
class LinkTable:
    """Link a table of detections, and write the trajectories with how they were made.

    Attributes
    ----------
    detections, trajectories : path
        The table to read, and the one to write, by its ending.
    linking : Linking
        Where trackpy's linker has no search radius, the one that the data suggest is taken.
    max_distance, min_significance : float, optional
        As for `drop_doubtful`.
    """

    detections: str | Path
    trajectories: str | Path = "trajectories.csv"
    linking: Linking = field(default_factory=Linking)
    max_distance: float | None = None
    min_significance: float | None = None

    def steps(self, context: Context | None = None) -> Generator[Suggestion | Progress, None, LinkedTable]:
        """Yield the `Suggestion` of a search radius where trackpy's linker needs one, and `Progress`.

        Raises
        ------
        TableError, LinkingError
            When the detections cannot be linked.
        OutputError
            When the table cannot be written.
        """
        check_apart(str(self.detections), str(self.trajectories))
        check_table(self.trajectories)
        detections, linking = read_table(self.detections), self.linking
        if linking.linker == "trackpy" and linking.search_radius is None:
            suggestion = suggest_radius(detections, linking.keep_repeats)
            yield suggestion
            linking = linking.with_(search_radius=suggestion.radius)
        linkage = yield from LinkPoints(detections, linking, self.max_distance, self.min_significance).steps(context)
        made: dict[str, Any] = read_recipe(self.detections) or {}
        told = (Path(self.detections).name, made, made, self.max_distance, self.min_significance)
        write_table(linkage.trajectories, self.trajectories, provenance_of(linkage, *told))
        return LinkedTable(Path(self.trajectories), linkage, len(detections))
