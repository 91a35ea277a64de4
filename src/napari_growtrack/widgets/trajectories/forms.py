"""What is linked, and how; and how motion is read off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from pydantic import Field, PositiveFloat
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget

from ...core.errors import GrowtrackError, LinkingError
from ...core.linking import Linking, Suggestion
from ...core.motion import Units
from ...core.settings import Settings
from ...jobs.linking import LinkPoints, SuggestRadius
from ..napari_io.writing import table_of_points
from ..session.sentences import reason
from ..session.session import Session
from ..shared.choices import PointsChoice, like_detections
from ..shared.forms import Fields
from ..shared.labels import Note
from ..shared.layers import LayerWatch
from ..shared.rows import Form
from ..shared.work import Work

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Points

# Linking --------------------------------------------------------------------------------------------------------------


NO_DETECTIONS = "There are no detections to link yet. Track all frames, or open a table of detections."
ONE_FRAME = "All detections are in one frame: there is nothing to link. Track all frames first."
_AUTOMATIC = "automatic"


class Doubts(Settings):
    """Which trajectories are dropped because they are doubtful."""

    max_distance: PositiveFloat | None = Field(
        None,
        description="Drops trajectories whose detections typically (median) have a larger distance: the network "
        "places them at the rim of what it sees.",
        json_schema_extra={
            **{"label": "Distance up to", "unit": "px", "high": 9999, "step": 0.5},
            "none": "any",
        },
    )
    min_significance: PositiveFloat | None = Field(
        None,
        description="Drops trajectories whose detections typically (median) are less significant.",
        json_schema_extra={"label": "Significance from", "high": 9999, "step": 0.5, "decimals": 1, "none": "any"},
    )


class LinkingForm(QWidget):
    """Asks how detections are to be linked, and suggests how far to search.

    Attributes
    ----------
    changed : Signal()
        There may be something else to link.
    suggestion : Suggestion or None
        For the detections that are chosen.
    """

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.detections = PointsChoice(viewer, like_detections)
        self._how = Fields(Linking, "search_radius", "memory", "min_length")
        self._doubts = Fields(Doubts)
        self.radius, self.memory, self.shortest = (self._how[name] for name in self._how)
        self.farthest, self.surest = (self._doubts[name] for name in self._doubts)
        self.note = Note()
        self.suggestion: Suggestion | None = None
        self.watch = LayerWatch(self)
        self._suggesting = Work(self)
        self._lay_out()
        self.detections.changed.connect(self._take_up)
        self.watch.rested.connect(self._suggest)
        self.radius.valueChanged.connect(self._tell)
        self._suggesting.advanced.connect(self._keep)
        self._suggesting.failed.connect(lambda error: self.note.say(reason(error)))

    def _lay_out(self) -> None:
        self.detections.setToolTip("What is linked: those points of the layer that are shown.")
        layout = Form(self)
        layout.addRow("Detections", self.detections)
        self._how.add_to(layout, "search_radius")
        layout.addRow(self.note)
        self._how.add_to(layout, "memory", "min_length")
        self._doubts.add_to(layout)

    def follow(self) -> None:
        """Begin to follow the viewer's layers; may be called twice."""
        self.detections.follow()

    def leave(self) -> None:
        """Follow them no more; may be called twice."""
        self.detections.leave()
        self.watch.leave()
        if self._suggesting.running:
            self._suggesting.abandon()

    @property
    def layer(self) -> Points | None:
        """The chosen layer."""
        return self.detections.layer

    def table(self) -> pd.DataFrame:
        """Return what is to be linked.

        Raises
        ------
        TableError
            When the layer has too many axes.
        LinkingError
            When there is nothing to link.
        """
        if self.layer is None:
            raise LinkingError(NO_DETECTIONS)
        layer = self.layer
        about = {"features": layer.features, "shown": layer.shown}
        table = table_of_points(layer.data, about, layer.name)
        if not len(table):
            raise LinkingError(f"{layer.name} shows no points. Accept more of them by the thresholds in Track.")
        if table["frame"].nunique() < 2:
            raise LinkingError(ONE_FRAME)
        return table

    def linking(self) -> Linking:
        """Return how it is to be linked."""
        linking = self._how.value()
        if linking.linker == "trackpy" and linking.search_radius is None and self.suggestion is not None:
            linking = linking.with_(search_radius=round(self.suggestion.radius, 3))
        return linking

    def job(self) -> LinkPoints:
        """Return all that is asked.

        Raises
        ------
        TableError, LinkingError
            As `table` does.
        """
        doubts = self._doubts.value()
        return LinkPoints(self.table(), self.linking(), doubts.max_distance, doubts.min_significance)

    def _take_up(self) -> None:
        """Hear of changes of the layer that is chosen now."""
        self.watch.watch([] if self.layer is None else [self.layer])
        self.suggestion = None
        self._tell()
        self.watch.touch()
        self.changed.emit()

    def _suggest(self) -> None:
        """Look how far particles move."""
        if self._suggesting.running:
            self._suggesting.abandon()
        self.suggestion = None
        try:
            job = SuggestRadius(self.table()[["frame", "y", "x"]])
        except GrowtrackError:
            return self._tell()
        self._suggesting.start(self._session.engines.motion.run(job))
        self.changed.emit()

    def _keep(self, suggestion: Suggestion) -> None:
        self.suggestion = suggestion
        self._tell()

    def _tell(self) -> None:
        if self.suggestion is None:
            self.radius.setSpecialValueText(_AUTOMATIC)
            return self.note.say("")
        self.radius.setSpecialValueText(f"{_AUTOMATIC}: {self.suggestion.radius:.3g} px")
        self.note.say("" if self.radius.value() else self.suggestion.reason)


# Motion ---------------------------------------------------------------------------------------------------------------


_REST = 400


class Wanted(Settings):
    """What is to be told of motion."""

    without_drift: bool = Field(
        False,
        description="Take away what all trajectories move in common, before all else.",
        json_schema_extra={"label": "Remove drift"},
    )
    trap: bool = Field(
        False,
        description="Tell the stiffness of the trap that the one bead is in.",
        json_schema_extra={"label": "A bead in a trap"},
    )
    temperature: PositiveFloat | None = Field(
        None,
        description="With it, and a known pixel, the stiffness is told in pN/µm.",
        json_schema_extra={"label": "Temperature", "unit": "K", "decimals": 1, "none": "unknown"},
    )


class MotionForm(QWidget):
    """Asks how motion is read off.

    Attributes
    ----------
    rested : Signal()
        The person has changed something, and for a moment nothing more.
    """

    rested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._units = Fields(Units, "pixel_size", "frame_time", "exposure_time")
        self._wanted = Fields(Wanted)
        self.pixel, self.frame, self.exposure = (self._units[name] for name in self._units)
        self.no_drift, self.trap, self.temperature = (self._wanted[name] for name in self._wanted)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST)
        self._timer.timeout.connect(self.rested)
        self._lay_out()
        for fields in (self._units, self._wanted):
            fields.connect(self._timer.start)
        self.trap.toggled.connect(self.temperature.setVisible)
        self.temperature.hide()

    def _lay_out(self) -> None:
        layout = Form(self)
        self._units.add_to(layout)
        ticks = QHBoxLayout()
        for part in (self.no_drift, self.trap):
            ticks.addWidget(part)
        layout.addRow(ticks)
        layout.addRow(self.temperature)
        self.temperature.setPrefix("at ")

    def leave(self) -> None:
        """Tell nothing more."""
        self._timer.stop()

    def units(self) -> Units:
        """Return what a pixel and a frame stand for."""
        return self._units.value()

    def wanted(self) -> Wanted:
        """Return what is to be told; a temperature is of a trap alone."""
        wanted = self._wanted.value()
        return wanted if wanted.trap else wanted.with_(temperature=None)

    def show_units(self, units: Units) -> None:
        """Show other units without announcing it."""
        self._units.show(units)
