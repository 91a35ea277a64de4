"""Two histograms of what was found, with the thresholds that choose from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ..session.runs import Candidates
from ..session.session import Session
from ..shared.labels import Note
from .histogram import ThresholdHistogram
from .sentences import NOTHING_YET, accepted_line

DISTANCE = (
    "Distance: how much farther away than the position they agree on the windows around a candidate believe the "
    "particle to be. Near 0 they are sure."
)
SIGNIFICANCE = "Significance: by how many standard errors the fitted particle stands out of the background's noise."

_LEAST = 1e-3
"""Thresholds are greater than 0."""


class ThresholdForm(QWidget):
    """Shows what was found by distance and by significance, and changes which of it a session accepts.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.distance = ThresholdHistogram("distance", "px", "below")
        self.significance = ThresholdHistogram("significance", "sigma", "above", log=True)
        self.about = Note()
        self.distance.setToolTip(f"{DISTANCE}\n{self.distance.toolTip()}")
        self.significance.setToolTip(f"{SIGNIFICANCE}\n{self.significance.toolTip()}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.about, self.distance, self.significance):
            layout.addWidget(part)
        self.distance.moved.connect(lambda mark: session.change(accept_distance=max(mark, _LEAST)))
        self.significance.moved.connect(self._move_significance)
        self.distance.reset.connect(lambda: session.change(accept_distance=None))
        self.significance.reset.connect(lambda: session.change(least_significance=None))
        self._shown: object = None
        self._floor = 0.0
        self._homes: dict[ThresholdHistogram, float] = {}

    def _move_significance(self, mark: float) -> None:
        self._session.change(least_significance=mark if mark > self._floor else 0.0)

    def show_candidates(self, candidates: Candidates | None, of: str) -> None:
        """Show what was found, and `of` what; None for nothing yet."""
        if candidates is None:
            self._shown = None
            self.about.say(NOTHING_YET)
            self.distance.hide()
            self.significance.hide()
            return
        self.distance.show()
        self.about.say(accepted_line(int(candidates.accepted.sum()), len(candidates.table), of))
        self._place(candidates)
        if candidates.table is not self._shown:
            self._shown = candidates.table
            self.distance.set_values(candidates.table["distance"])
            self.significance.set_values(candidates.table["significance"])

    def _place(self, candidates: Candidates) -> None:
        """Put both marks where they are chosen."""
        choice = candidates.choice
        chosen, calibrated = choice.cascade(), choice.calibrated()
        self.significance.setVisible(calibrated.polish)
        least = self._floor = _floor(candidates.table["significance"])
        pairs = (
            (self.distance, chosen.accept_distance / choice.zoom, calibrated.accept_distance / choice.zoom),
            (self.significance, max(chosen.least_significance, least), max(calibrated.least_significance, least)),
        )
        for histogram, mark, home in pairs:
            if not np.isclose(histogram.mark(), mark, rtol=1e-9):
                histogram.set_mark(mark)
            if self._homes.get(histogram) != home:
                self._homes[histogram] = home
                histogram.set_calibrated(home)


def _floor(significances: pd.Series) -> float:
    """Return where the mark stands that drops nothing: a logarithmic axis has no 0."""
    some = significances[significances > 0]
    return float(some.min()) / 2 if len(some) else 1.0
