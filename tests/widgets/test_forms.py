"""Forms made of settings: what a field tells is what its box does."""

import pytest
from pydantic import Field, NonNegativeInt, PositiveFloat
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QLabel, QWidget

from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.linking import Linking
from napari_growtrack.core.motion import Units
from napari_growtrack.core.settings import Settings
from napari_growtrack.widgets.shared.forms import Fields
from napari_growtrack.widgets.shared.rows import Form


class Asked(Settings):
    number: NonNegativeInt = Field(3, le=7, description="How many.", json_schema_extra={"label": "Count", "unit": "px"})
    share: PositiveFloat | None = Field(None, json_schema_extra={"none": "any", "decimals": 3, "high": 2.5})
    on: bool = Field(True, description="Whether.", json_schema_extra={"label": "Really"})


@pytest.fixture
def shown(qtbot):
    """The boxes, and the form they are in."""
    panel, fields = QWidget(), Fields(Asked)
    form = Form(panel)
    fields.add_to(form)
    qtbot.addWidget(panel)
    panel.show()
    return fields, panel


def test_a_form_shows_the_defaults_and_gives_them_back(shown):
    fields, _ = shown
    assert fields.value() == Asked()
    assert [*fields] == ["number", "share", "on"]


def test_labels_units_bounds_and_words_come_from_the_fields(shown):
    fields, panel = shown
    number, share, on = (fields[name] for name in fields)
    assert [label.text() for label in panel.findChildren(QLabel)] == ["Count", "Share"]
    assert (number.text(), number.minimum(), number.maximum(), number.toolTip()) == ("3 px", 0, 7, "How many.")
    assert (share.text(), share.maximum(), share.decimals()) == ("any", 2.5, 3)
    assert isinstance(number, QDoubleSpinBox)
    assert (isinstance(on, QCheckBox), on.text(), on.isChecked()) == (True, "Really", True)


def test_what_the_person_sets_is_in_the_settings(shown):
    fields, _ = shown
    heard = []
    fields.connect(lambda: heard.append(fields.shown()))
    fields["number"].setValue(5)
    fields["share"].setValue(0.125)
    fields["on"].setChecked(False)
    assert fields.value() == Asked(number=5, share=0.125, on=False)
    assert type(fields.value().number) is int
    assert len(heard) == 3
    fields["share"].setValue(0)
    assert fields.value().share is None


def test_settings_are_shown_without_being_announced(shown):
    fields, _ = shown
    heard = []
    fields.connect(lambda: heard.append(1))
    fields.show(Asked(number=1, share=0.5, on=False))
    assert fields.value() == Asked(number=1, share=0.5, on=False)
    fields.show(Asked(share=None))
    assert (fields.value(), heard) == (Asked(), [])


def test_what_cannot_be_is_refused_in_a_sentence(shown):
    fields, _ = shown
    with pytest.raises(SettingsError, match="number"):
        fields.value(number=9)


@pytest.mark.parametrize(("settings", "names"), [(Linking, ()), (Units, ("pixel_size", "frame_time", "exposure_time"))])
def test_the_cores_own_settings_make_forms(qtbot, settings, names):
    fields = Fields(settings, *names)
    assert fields.value() == settings()
    assert all(fields[name].toolTip() for name in fields)
