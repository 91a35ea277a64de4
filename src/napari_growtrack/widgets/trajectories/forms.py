"""What is linked, and how; and how motion is read off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QSpinBox, QWidget

from ...core.errors import GrowtrackError, LinkingError
from ...core.linking import Linking, Suggestion
from ...core.motion import Units
from ...jobs.linking import LinkPoints, SuggestRadius
from ..napari_io.writing import table_of_points
from ..session.sentences import reason
from ..session.session import Session
from ..shared.choices import PointsChoice, like_detections
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
_AUTOMATIC, _ANY = "automatic", "any"


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
        self.radius = _box(0, 9999, _AUTOMATIC, " px")
        self.memory, self.shortest = QSpinBox(), QSpinBox()
        self.farthest = _box(0, 9999, _ANY, " px", 2)
        self.surest = _box(0, 9999, _ANY)
        self.note = Note()
        self.suggestion: Suggestion | None = None
        self.watch = LayerWatch(self)
        self._suggesting = Work(self)
        self._lay_out()
        self._explain()
        self.detections.changed.connect(self._take_up)
        self.watch.rested.connect(self._suggest)
        self.radius.valueChanged.connect(self._tell)
        self._suggesting.advanced.connect(self._keep)
        self._suggesting.failed.connect(lambda error: self.note.say(reason(error)))

    def _lay_out(self) -> None:
        self.memory.setRange(0, 999)
        self.memory.setSuffix(" frames")
        self.shortest.setRange(1, 99_999)
        self.shortest.setSuffix(" detections")
        self.shortest.setValue(Linking().min_length)
        layout = Form(self)
        layout.addRow("Detections", self.detections)
        layout.addRow("Search radius", self.radius)
        layout.addRow(self.note)
        layout.addRow("Memory", self.memory)
        layout.addRow("Shortest", self.shortest)
        layout.addRow("Distance up to", self.farthest)
        layout.addRow("Significance from", self.surest)

    def _explain(self) -> None:
        self.detections.setToolTip("What is linked: those points of the layer that are shown.")
        self.radius.setToolTip("How far a particle moves from a frame to the next at most, in pixels.")
        self.memory.setToolTip("For how many frames a particle may be lost and still be the same afterwards.")
        self.shortest.setToolTip("Trajectories of fewer detections are dropped: a false one rarely comes twice.")
        self.farthest.setToolTip(
            "Drops trajectories whose detections typically (median) have a larger distance: the network places "
            "them at the rim of what it sees."
        )
        self.surest.setToolTip("Drops trajectories whose detections typically (median) are less significant.")

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
        suggested = None if self.suggestion is None else round(self.suggestion.radius, 3)
        return Linking(
            search_radius=self.radius.value() or suggested,
            memory=self.memory.value(),
            min_length=self.shortest.value(),
        )

    def job(self) -> LinkPoints:
        """Return all that is asked.

        Raises
        ------
        TableError, LinkingError
            As `table` does.
        """
        return LinkPoints(self.table(), self.linking(), self.farthest.value() or None, self.surest.value() or None)

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


def _box(low: float, high: float, special: str, unit: str = "", decimals: int = 1) -> QDoubleSpinBox:
    """Return a box whose lowest value has a name."""
    box = QDoubleSpinBox()
    box.setRange(low, high)
    box.setDecimals(decimals)
    box.setSingleStep(0.5)
    box.setSpecialValueText(special)
    box.setSuffix(unit)
    return box


# Motion ---------------------------------------------------------------------------------------------------------------


_REST = 400
_UNKNOWN = "unknown"


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
        self.pixel, self.frame, self.exposure = _unit_box(" µm"), _unit_box(" s"), _unit_box(" s")
        self.temperature = _unit_box(" K", 1)
        self.no_drift, self.trap = QCheckBox("Remove drift"), QCheckBox("A bead in a trap")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST)
        self._timer.timeout.connect(self.rested)
        self._lay_out()
        self._explain()
        for box in (self.pixel, self.frame, self.exposure, self.temperature):
            box.valueChanged.connect(lambda _: self._timer.start())
        for tick in (self.no_drift, self.trap):
            tick.toggled.connect(lambda _: self._timer.start())
        self.trap.toggled.connect(self.temperature.setVisible)
        self.temperature.hide()

    def _lay_out(self) -> None:
        layout = Form(self)
        layout.addRow("Pixel", self.pixel)
        layout.addRow("Frame to frame", self.frame)
        layout.addRow("Exposure", self.exposure)
        ticks = QHBoxLayout()
        for part in (self.no_drift, self.trap):
            ticks.addWidget(part)
        layout.addRow(ticks)
        layout.addRow(self.temperature)
        self.temperature.setPrefix("at ")

    def _explain(self) -> None:
        self.pixel.setToolTip("Side of a pixel. Taken from the layer's scale where that is in a unit of length.")
        self.frame.setToolTip("Time from frame to frame. Taken from the layer's scale where that is in a unit of time.")
        self.exposure.setToolTip(
            "For how long the shutter is open in each frame; the frame time where the camera never rests. Taken from "
            "the film where it tells. Particles that move meanwhile are blurred, which shifts localisation error and "
            "exponent."
        )
        self.no_drift.setToolTip("Take away what all trajectories move in common, before all else.")
        self.trap.setToolTip("Tell the stiffness of the trap that the one bead is in.")
        self.temperature.setToolTip("With it, and a known pixel, the stiffness is told in pN/µm.")

    def leave(self) -> None:
        """Tell nothing more."""
        self._timer.stop()

    def units(self) -> Units:
        """Return what a pixel and a frame stand for."""
        boxes = {"pixel_size": self.pixel, "frame_time": self.frame, "exposure_time": self.exposure}
        return Units(**{name: box.value() or None for name, box in boxes.items()})

    def show_units(self, units: Units) -> None:
        """Show other units without announcing it."""
        known = units.pixel_size, units.frame_time, units.exposure_time
        for box, value in zip((self.pixel, self.frame, self.exposure), known, strict=True):
            box.blockSignals(True)
            box.setValue(value or 0)
            box.blockSignals(False)


def _unit_box(unit: str, decimals: int = 5) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(decimals)
    box.setRange(0, 1e5)
    box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    box.setSpecialValueText(_UNKNOWN)
    box.setSuffix(unit)
    return box
