"""Where a run over a film stands; free of Qt."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from ...core.detection import Contrast
from ...core.tables import DETECTION_COLUMNS, empty

_ENOUGH = 3


@dataclass(frozen=True)
class TrackingProgress:
    """Where a run stands.

    Attributes
    ----------
    done, total : int
        Frames.
    frame : int or None
        The frame just tracked; None while the network is being loaded.
    table : DataFrame
        That frame's candidates, ``frame, y, x, distance, votes, sigma,
        significance``.
    seconds : float
        Time a frame takes: the median of the latest, so that the first one's
        compilation is left out.
    passed : float
        Share of the frame's windows that the screening stage passed on.
    contrast : {"auto", "normal", "inverted"}
        Whether frames or their negatives are tracked; "auto" while that is
        not known.
    """

    done: int
    total: int
    frame: int | None = None
    table: pd.DataFrame = field(default_factory=lambda: empty(DETECTION_COLUMNS))
    seconds: float = 0.0
    passed: float = 0.0
    contrast: Contrast = "auto"

    @property
    def seconds_left(self) -> float | None:
        """Time the rest will take; None before there is enough to judge by."""
        return (self.total - self.done) * self.seconds if self.done >= _ENOUGH else None
