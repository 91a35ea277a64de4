"""A camera, and the light that it sees, as sliders."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from ...core.settings import Settings, Span
from ...core.simulation import CAMERAS, SCENES, Camera, Scene
from ..shared.choices import Choice
from ..shared.rows import NumberBox, Rows, SpanRow
from ..shared.scenes import FIRST, field_of, refuses

LIGHT = ("vignetting", "texture", "texture_size")
EXPOSURE = ("motion_blur", "compression")
"""Fields of a scene, by where they are shown."""

_TITLES = {"poisson": "Ideal: photons counted", "emccd": "EMCCD", "scmos": "sCMOS", "ccd": "CCD"}
_NUMBERS = tuple(name for name, one in Camera.model_fields.items() if one.json_schema_extra)
_ONLY = {"multiplication": "emccd", "offset_spread": "scmos", "gain_spread": "scmos", "read_spread": "scmos"}
"""Numbers that only one camera has."""


def _spans(settings: type[Settings], names: tuple[str, ...], rows: Rows) -> dict[str, SpanRow]:
    """Add a row for each of some fields."""
    spans = {}
    for name in names:
        field = field_of(settings, name)
        spans[name] = field.row()
        rows.add(field.label, spans[name])
    return spans


class SpanForm(QWidget):
    """Ranges among the fields of a scene, a slider each.

    Attributes
    ----------
    changed : Signal()
        The person has changed one.
    """

    changed = Signal()

    def __init__(self, names: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = Rows()
        self.spans = _spans(Scene, names, self.rows)
        self.setLayout(self.rows)
        for row in self.spans.values():
            row.changed.connect(self.changed)

    def values(self) -> dict[str, Span]:
        """Return what is shown, by the names of the fields."""
        return {name: row.value() for name, row in self.spans.items()}

    def set_scene(self, scene: Scene) -> None:
        """Show what a scene has, without announcing it."""
        for name, row in self.spans.items():
            row.set_value(getattr(scene, name))

    def mark(self) -> None:
        """Colour what cannot be."""
        for name, row in self.spans.items():
            self.rows.mark(row, refuses(SCENES[FIRST], **{name: row.value()}))


class CameraForm(QWidget):
    """A camera by its name, and the numbers that such a camera has.

    Attributes
    ----------
    changed : Signal()
        The person has changed it.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows, self.which = Rows(), Choice()
        self.setLayout(self.rows)
        for name, title in _TITLES.items():
            self.which.addItem(title, name)
        self.which.setToolTip("What turns photons into counts, with usual numbers; change them below.")
        self.rows.add("Camera", self.which)
        self.spans = _spans(Camera, _NUMBERS, self.rows)
        about = {name: Camera.model_fields[name].description or "" for name in ("full_well", "bit_depth")}
        self.well = NumberBox(0, 1e9, 1000, "e", 0, about["full_well"])
        self.bits = NumberBox(0, 24, 1, "bits", 0, about["bit_depth"])
        self.well.setSpecialValueText("without end")
        self.bits.setSpecialValueText("not rounded")
        self.rows.add("Full well", self.well)
        self.rows.add("Bit depth", self.bits)
        self.set_camera(Camera())
        self.which.activated.connect(self._choose)
        parts: list[SpanRow | NumberBox] = [*self.spans.values(), self.well, self.bits]
        for part in parts:
            part.changed.connect(self.changed)

    def values(self) -> dict[str, Any]:
        """Return the camera's numbers as they are shown, unchecked."""
        shown: dict[str, Any] = {name: row.value() for name, row in self.spans.items()}
        given = self._given.full_well
        well = given if given is not None and given.low == self.well.number() else (self.well.number() or None)
        return {**shown, "name": self._given.name, "full_well": well, "bit_depth": int(self.bits.number()) or None}

    def camera(self) -> Camera:
        """Return the camera.

        Raises
        ------
        SettingsError
            When there can be no such camera.
        """
        return Camera(**self.values())

    def set_camera(self, camera: Camera) -> None:
        """Show a camera without announcing it."""
        self._given = camera
        known = [name for name, one in CAMERAS.items() if one == camera]
        self.which.setCurrentIndex(self.which.findData((known or [camera.name])[0]))
        for name, row in self.spans.items():
            row.set_value(getattr(camera, name))
            self.rows.show_row(row, _ONLY.get(name, camera.name) == camera.name)
        self.well.set_number(0 if camera.full_well is None else camera.full_well.low)
        self.bits.set_number(camera.bit_depth or 0)

    def mark(self) -> None:
        """Colour what cannot be."""
        for name, row in self.spans.items():
            self.rows.mark(row, refuses(self._given, **{name: row.value()}))

    def _choose(self) -> None:
        self.set_camera(CAMERAS[self.which.currentData()])
        self.changed.emit()
