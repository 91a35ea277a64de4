"""What is compared with what: two points layers, how near a pair must be, and which frames count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, PositiveFloat
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from ...core.scoring.matching import WITHIN
from ...core.settings import Settings
from ..shared.choices import PointsChoice, like_detections, like_truth
from ..shared.forms import Fields
from ..shared.layers import LayerWatch
from ..shared.rows import Form
from .question import Question, ask

if TYPE_CHECKING:
    import napari.viewer


class Rules(Settings):
    """When a detection counts as a particle found."""

    within: PositiveFloat = Field(
        WITHIN,
        ge=0.1,
        description="How far a detection may be from its particle, in pixels of the detections.",
        json_schema_extra={"label": "Within", "unit": "px", "low": 0.1, "high": 999, "step": 0.5, "decimals": 1},
    )
    only_marked: bool = Field(
        False,
        description="Tick it where truth was set by hand in a few frames of the film.",
        json_schema_extra={"label": "Only frames that hold truth"},
    )


class ScoreForm(QWidget):
    """Asks what is to be compared, and watches the layers that are chosen.

    Attributes
    ----------
    rested : Signal()
        Something may have changed, and for a moment nothing has.
    """

    rested = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.truth, self.detections = PointsChoice(viewer, like_truth), PointsChoice(viewer, like_detections)
        self._rules = Fields(Rules)
        self.within, self.only_marked = (self._rules[name] for name in self._rules)
        self.watch = LayerWatch(self)
        self._lay_out()
        self.truth.changed.connect(self._take_up)
        self.detections.changed.connect(self._take_up)
        self._rules.connect(self.watch.touch)
        self.watch.rested.connect(self.rested)

    def _lay_out(self) -> None:
        layout = Form(self)
        layout.addRow("Truth", self.truth)
        layout.addRow("Detections", self.detections)
        self._rules.add_to(layout)
        self.truth.setToolTip("Where particles are: a simulated film's truth, or points set or corrected by hand.")
        self.detections.setToolTip("What is judged. Of both layers, only points that are shown count.")

    def follow(self) -> None:
        """Begin to follow the viewer's layers; may be called twice."""
        self.truth.follow()
        self.detections.follow()

    def leave(self) -> None:
        """Follow them no more; may be called twice."""
        self.truth.leave()
        self.detections.leave()
        self.watch.leave()

    def question(self) -> Question:
        """Return what is asked.

        Raises
        ------
        TableError
            When there is nothing to compare, or the layers do not go together.
        """
        rules = self._rules.value()
        return ask(self.truth.layer, self.detections.layer, rules.within, rules.only_marked)

    def _take_up(self) -> None:
        """Hear of changes of the layers that are chosen now."""
        chosen = dict.fromkeys((self.truth.layer, self.detections.layer))
        self.watch.watch(layer for layer in chosen if layer is not None)
        self.watch.touch()
