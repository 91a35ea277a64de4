"""Forms made of settings: a box for each field, by magicgui, with the field's bounds, step, unit and words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, NamedTuple, Self, TypeVar, Union, get_args, get_origin

from magicgui.widgets import create_widget
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QWidget

from ...core.settings import Settings
from .rows import Form

Some = TypeVar("Some", bound=Settings)

_HIGHEST = 99_999


class Fields(Generic[Some]):
    """Boxes for fields of settings; what they show is such settings.

    A field tells by its `json_schema_extra` what it is called (``label``), its ``unit``, ``step``, ``decimals`` and
    ``high``, and what its box says where there is ``none``: that is its lowest value, where the field takes None. Its
    description is the tool tip; its bounds are those of its type.

    Parameters
    ----------
    settings : type
        A class of settings.
    *names : str
        Which of its fields, in this order; by default all.

    Examples
    --------
    >>> fields = Fields(Linking, "memory", "min_length")  # doctest: +SKIP
    >>> fields.add_to(Form())  # doctest: +SKIP
    >>> fields.value().memory  # doctest: +SKIP
    0
    """

    def __init__(self, settings: type[Some], *names: str) -> None:
        self._settings = settings
        self._boxes = {name: _Box.of(settings, name) for name in names or settings.model_fields}

    def __getitem__(self, name: str) -> Any:
        """Return the box of a field."""
        return self._boxes[name].widget.native

    def __iter__(self) -> Iterator[str]:
        return iter(self._boxes)

    def add_to(self, form: Form, *names: str) -> None:
        """Add rows to a form: those of some fields, by default of all."""
        for name in names or self._boxes:
            box: QWidget = self[name]
            if isinstance(box, QCheckBox):
                form.addRow(box)
            else:
                form.addRow(self._boxes[name].widget.label, box)

    def connect(self, heard: Callable[[], object]) -> None:
        """Have it heard of whenever the person changes something."""
        for box in self._boxes.values():
            box.widget.changed.connect(lambda _: heard())

    def shown(self) -> dict[str, Any]:
        """Return the values as they are shown, unchecked, by the names of their fields."""
        return {name: box.value() for name, box in self._boxes.items()}

    def value(self, **others: Any) -> Some:
        """Return the settings that are shown, with other fields as given.

        Raises
        ------
        SettingsError
            When there can be no such settings.
        """
        return self._settings(**self.shown() | others)

    def show(self, settings: Some) -> None:
        """Show settings without announcing it."""
        for name, box in self._boxes.items():
            box.show(getattr(settings, name))


class _Box(NamedTuple):
    """What shows a field: magicgui's widget, the number's type, and whether its lowest value is None."""

    widget: Any
    kind: type
    optional: bool

    @classmethod
    def of(cls, settings: type[Settings], name: str) -> Self:
        field, told = settings.model_fields[name], shown_as(settings, name)
        kind, optional, least, most = _type(field.annotation, field.metadata)
        label = told.get("label", name.replace("_", " ").capitalize())
        if kind is bool:
            box = create_widget(annotation=bool, name=name, label=label, value=bool(field.default))
            box.native.setText(label)
        elif get_origin(kind) is Literal:
            box = create_widget(field.default, kind, name=name, label=label)
        else:
            low, high = told.get("low", least or 0), told.get("high", _HIGHEST if most is None else most)
            start = low if field.default is None else min(max(field.default, low), high)
            options = {"min": low, "max": high, "step": told.get("step", 1)}
            # Whole numbers in the box of others, too: that of magicgui has no room for a unit.
            box = create_widget(start, float, name=name, label=label, options=options)
            _dress(box.native, told, kind)
        box.native.setToolTip(field.description or "")
        return cls(box, kind, optional)

    def value(self) -> Any:
        """Return what is shown as the field takes it."""
        shown = self.widget.value
        if get_origin(self.kind) is Literal:
            return shown
        return None if self.optional and shown == self.widget.min else self.kind(shown)

    def show(self, value: Any) -> None:
        """Show a value without announcing it."""
        native = self.widget.native
        with self.widget.changed.blocked():
            native.blockSignals(True)
            self.widget.value = self.widget.min if value is None else value
            native.blockSignals(False)


def shown_as(settings: type[Settings], name: str) -> dict[str, Any]:
    """Return what a field tells of how it is shown; nothing where it does not."""
    extra = settings.model_fields[name].json_schema_extra
    return extra if isinstance(extra, dict) else {}


def _dress(box: QDoubleSpinBox, told: dict[str, Any], kind: type) -> None:
    value = box.value()
    box.setDecimals(0 if kind is int else told.get("decimals", 2))
    box.setValue(value)
    if "unit" in told:
        box.setSuffix(f" {told['unit']}")
    if "none" in told:
        box.setSpecialValueText(told["none"])
    if "step" not in told and kind is float:
        box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)


def _type(annotation: Any, metadata: Iterable[Any] = ()) -> tuple[type, bool, float | None, float | None]:
    """Return of an annotation the number's type, whether there may be none, and its bounds."""
    origin, optional = get_origin(annotation), False
    if origin is Annotated:
        annotation, *inside = get_args(annotation)
        return _type(annotation, (*inside, *metadata))
    if origin in (Union, UnionType):
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
        kind, _, least, most = _type(annotation)
        optional = True
    else:
        kind, least, most = annotation, None, None
    for one in metadata:
        inner = getattr(one, "metadata", None) or [one]  # pydantic's own fields inside Annotated
        for bound in inner:
            above = getattr(bound, "gt", None)
            least = getattr(bound, "ge", least) if above is None else above + (kind is int)
            most = getattr(bound, "le", getattr(bound, "lt", most))
    return kind, optional, least, most
