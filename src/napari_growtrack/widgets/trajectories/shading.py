"""Which trajectories are shown, how they are coloured, and how long their tails are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from napari.layers import Tracks
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QSpinBox, QWidget

from ...core.motion.tracks import TRACK_COLUMNS
from ..napari_io.tracks import is_ours, shade_tracks, shades, speeds
from ..shared.choices import Choice, LayerChoice
from ..shared.histograms import worded
from ..shared.rows import Form

if TYPE_CHECKING:
    import napari.viewer

PARTICLE, TIME, SPEED, LENGTH, DIFFUSION = "particle", "time", "speed", "detections", "diffusion coefficient"
_OWN = (PARTICLE, TIME, SPEED, LENGTH, DIFFUSION)
_NOT_COLOURS = ("particle", "length", "y", "x")
_OF_TRACKS = {
    f"{name} of the track" if name == "q" else worded(name): name for name in TRACK_COLUMNS if name not in _NOT_COLOURS
}
"""Columns of a table of tracks, by what they are called among those of detections."""


class TracksChoice(LayerChoice):
    """Offers the Tracks layers of a viewer; one that arrives is chosen."""

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(viewer, parent)
        self._known: list[Any] = []
        self.setPlaceholderText("Link detections, or open trajectories")

    def _offers(self, layer: Any) -> bool:
        return isinstance(layer, Tracks) and not is_ours(layer)

    def _preferred(self, chosen: Any, arriving: bool) -> Any:
        new = [layer for layer in self._layers if layer not in self._known]
        self._known = [*self._layers]
        if new:
            return new[-1]
        return next(reversed(self._layers), None) if chosen is None else chosen


class Shading(QWidget):
    """Asks what trajectories are coloured by, and how long their tails are.

    Attributes
    ----------
    changed : Signal()
        They are to be coloured otherwise.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.by, self.tail = Choice(), QSpinBox()
        self._layer: Tracks | None = None
        self.tail.setRange(1, 9999)
        self.tail.setSuffix(" frames")
        self.by.setToolTip("Blue is low, red high; the few most extreme ones have the colours of the ends.")
        self.tail.setToolTip("How much of each path is drawn behind its particle.")
        layout = Form(self)
        layout.addRow("Colour by", self.by)
        layout.addRow("Tail", self.tail)
        self.by.activated.connect(lambda _: self.changed.emit())
        self.tail.valueChanged.connect(self._set_tail)

    def show_layer(
        self, layer: Tracks, table: pd.DataFrame, tracks: pd.DataFrame | None, kept: pd.Series | None = None
    ) -> None:
        """Show what there is to choose for a layer, and colour it as chosen."""
        self._layer = layer
        self.tail.blockSignals(True)
        self.tail.setValue(int(layer.tail_length))
        self.tail.blockSignals(False)
        known = [str(name) for name in table if name not in ("frame", "y", "x", "particle")]
        names = [*_OWN, *(name for name in known if pd.api.types.is_numeric_dtype(table[name]))]
        names += [told for told, name in _OF_TRACKS.items() if tracks is not None and name in tracks]
        chosen = self.by.currentText()
        self.by.clear()
        self.by.addItems([*dict.fromkeys(names)])
        self.by.setCurrentText(chosen if chosen in names else PARTICLE)
        if self.by.currentText() != PARTICLE or kept is not None:
            self.shade(layer, table, tracks, kept)

    def shade(
        self, layer: Tracks, table: pd.DataFrame, tracks: pd.DataFrame | None, kept: pd.Series | None = None
    ) -> None:
        """Colour a layer as chosen.

        Parameters
        ----------
        layer : Tracks
        table : DataFrame
            What it shows.
        tracks : DataFrame or None
            What each trajectory tells, where it is known.
        kept : Series or None
            The particles that are seen; None for all.
        """
        ordered = table.sort_values(["particle", "frame"], kind="stable", ignore_index=True)
        shown = None if kept is None else ordered["particle"].isin(kept).to_numpy()
        shade_tracks(layer, shades(*_values(ordered, self.by.currentText(), tracks)), shown)

    def _set_tail(self, length: int) -> None:
        if self._layer is not None:
            self._layer.tail_length = length


def _values(ordered: pd.DataFrame, by: str, tracks: pd.DataFrame | None) -> tuple[pd.DataFrame, str | pd.Series]:
    """Return what colours follow, as `shades` takes it."""
    if by == SPEED:
        return ordered.assign(speed=speeds(ordered)), SPEED
    if by == LENGTH:
        return ordered, ordered.groupby("particle").size()
    if by in _OF_TRACKS and by not in ordered:
        name = _OF_TRACKS[by]
        if tracks is None or name not in tracks:
            return ordered, pd.Series(dtype=float)
        return ordered, tracks.set_index("particle")[name]
    return ordered, "frame" if by == TIME else by
