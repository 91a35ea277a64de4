"""Link detections to trajectories."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..core.linking import Linkage, Linking, Suggestion, drop_doubtful, iter_linkage, suggest_radius
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

    def steps(self, context: Context) -> Generator[Any, None, Linkage]:
        """Yield `LinkingProgress`; return what linking brought, without doubtful trajectories."""
        linkage = yield from iter_linkage(self.detections, self.linking)
        kept = drop_doubtful(linkage.trajectories, self.farthest, self.least_significance)
        return replace(linkage, trajectories=kept)
