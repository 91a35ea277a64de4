"""Preferences come from napari where it keeps them, and are sound in any case."""

from types import SimpleNamespace

import npe2
import pytest
from napari import settings

from napari_growtrack.core.errors import GrowtrackWarning, SettingsError
from napari_growtrack.core.tables import PROGRAM as PLUGIN
from napari_growtrack.widgets.shared.preferences import CATEGORY, RING_COLOURS, Preferences, preferences

PROPERTIES = {
    "network": {"type": "string", "default": "auto", "title": "Network at first"},
    "live": {"type": "boolean", "default": True, "title": "Live preview"},
    "contrast": {"type": "string", "default": "auto", "enum": ["auto", "normal", "inverted"], "title": "Contrast"},
    "ring": {"type": "string", "default": "magenta", "enum": [*RING_COLOURS], "title": "Colour of the rings"},
}
with_plugin_settings = pytest.mark.skipif(
    not hasattr(settings, "get_plugin_settings"), reason="this napari keeps no preferences of plugins"
)


def keep(monkeypatch, **values):
    """Let napari keep these values."""

    def get_plugin_settings(plugin):
        return {PLUGIN: SimpleNamespace(**{CATEGORY: SimpleNamespace(**values)})}[plugin]

    monkeypatch.setattr(settings, "get_plugin_settings", get_plugin_settings, raising=False)


def test_every_colour_of_the_rings_can_be_chosen():
    assert [Preferences(ring=name).ring_colour for name in RING_COLOURS] == [*RING_COLOURS.values()]


def test_a_napari_without_preferences_gives_defaults(monkeypatch):
    monkeypatch.delattr(settings, "get_plugin_settings", raising=False)
    assert preferences() == Preferences()


def test_an_older_manifest_gives_defaults(monkeypatch):
    monkeypatch.setattr(settings, "get_plugin_settings", lambda plugin: SimpleNamespace(), raising=False)
    assert preferences() == Preferences()


def test_a_plugin_that_napari_does_not_know_has_defaults(monkeypatch):
    monkeypatch.setattr(settings, "get_plugin_settings", lambda plugin: {}[plugin], raising=False)
    assert preferences() == Preferences()


def test_what_a_person_has_set_counts(monkeypatch, network_file):
    chosen = {"network": network_file, "live": False, "contrast": "inverted", "ring": "cyan"}
    keep(monkeypatch, **chosen)
    assert preferences() == Preferences(**chosen)


@pytest.mark.parametrize(
    ("name", "value"),
    [("network", "no such one"), ("network", "gone.growtrack"), ("network", ""), ("ring", "beige"), ("live", "maybe")],
)
def test_nonsense_gives_way_to_the_default_of_that_one_with_a_warning(monkeypatch, name, value):
    keep(monkeypatch, **{"contrast": "inverted", name: value})
    with pytest.warns(GrowtrackWarning, match=rf"'{name}'.* Its default is used"):
        assert preferences() == Preferences(contrast="inverted")


def test_preferences_are_refused_where_they_are_set_in_a_program():
    with pytest.raises(SettingsError, match="ring"):
        Preferences(ring="beige")


@with_plugin_settings
def test_napari_keeps_them_in_its_own_preferences(plugin_settings, npe2pm):
    category = {"title": "Tracking", "properties": PROPERTIES}
    npe2pm.register(
        npe2.PluginManifest(
            name=PLUGIN, display_name="GrowTrack", contributions={"configurations": {CATEGORY: category}}
        )
    )
    assert preferences() == Preferences()
    getattr(settings.get_plugin_settings(PLUGIN), CATEGORY).ring = "green"
    assert preferences().ring == "green"
