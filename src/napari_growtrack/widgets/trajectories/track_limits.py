"""Choose among trajectories by histograms of what each tells, with lines that are dragged."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...core.motion import Units
from ...core.motion.tracks import NO_TRACK_LIMITS, TRACK_COLUMNS, TrackLimits
from ..shared.histograms import LimitForm, worded
from ..shared.labels import Note
from .sentences import within_line

_REST = 150
"""Milliseconds without a move of a line, after which the picture follows: that takes longer than the list."""

_FIRST = ("length", "straightness")
TIP = "\n".join(f"{worded(name)}: {column.about}" for name, column in TRACK_COLUMNS.items())


class TrackLimitForm(QWidget):
    """Limits which trajectories are listed and seen, by any column of their table of tracks.

    Attributes
    ----------
    changed : Signal()
        Other limits are chosen.
    rested : Signal()
        They have been for a moment.
    keep, select : QPushButton
        To have only those that are listed; to select them.
    """

    changed = Signal()
    rested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = LimitForm(_columns(_FIRST, Units()), NO_TRACK_LIMITS, TIP)
        self.note = Note()
        self.keep, self.select = QPushButton("Keep only these"), QPushButton("Select these")
        self._tracks: pd.DataFrame | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.rested)
        self.form.changed.connect(self._change)
        self._lay_out()

    def _lay_out(self) -> None:
        self.keep.setToolTip("Delete all other trajectories. This can be undone.")
        self.select.setToolTip("Tell the motion of these alone, and show their paths.")
        buttons = QHBoxLayout()
        for button in (self.keep, self.select):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.form, self.note):
            layout.addWidget(part)
        layout.addLayout(buttons)

    def show_tracks(self, tracks: pd.DataFrame | None, units: Units) -> None:
        """Show what each trajectory tells; None where that is not known. Limits on what is not there are dropped."""
        self._tracks = tracks
        self._timer.stop()
        self.setVisible(tracks is not None)
        if tracks is not None:
            names = [str(name) for name in tracks if name != "particle"]
            ends = {name: (low, high) for name, low, high in self.form.limits.spans if name in names}
            self.form.set_columns(_columns(names, units))
            self.form.show_table(tracks, TrackLimits.of(ends))
            self._tell()

    def clear(self) -> bool:
        """Limit nothing, and tell whether something was limited."""
        self._timer.stop()
        limited, self.form.limits = bool(self.form.limits), NO_TRACK_LIMITS
        return limited

    def kept(self) -> pd.DataFrame | None:
        """Return the tracks within the limits; None where nothing is limited, or known."""
        if self._tracks is None or not self.form.limits:
            return None
        return self._tracks[self.form.limits.inside(self._tracks)]

    def _change(self, _: object) -> None:
        self._tell()
        self.changed.emit()
        self._timer.start(_REST)

    def _tell(self) -> None:
        kept = self.kept()
        some = kept is not None and len(kept) > 0
        self.note.say("" if self._tracks is None or kept is None else within_line(len(kept), len(self._tracks)))
        for button in (self.keep, self.select):
            button.setEnabled(some)


def _columns(names: Sequence[str], units: Units) -> dict[str, str]:
    """Return columns with their units; the one that is shown at first comes first."""
    ordered = [*(name for name in _FIRST if name in names), *(name for name in names if name not in _FIRST)]
    return {name: TRACK_COLUMNS[name].unit(units) for name in ordered}
