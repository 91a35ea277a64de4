"""What a person prefers in every session, as set in napari's preferences."""

from __future__ import annotations

import warnings
from typing import Any, Literal

from pydantic import Field, field_validator

from ...core.detection import Contrast
from ...core.errors import GrowtrackWarning, NetworkFileError, SettingsError
from ...core.networks.bundled import AUTO
from ...core.networks.load import network_path
from ...core.settings import Settings
from ...core.tables import PROGRAM

CATEGORY = "tracking"

RING_COLOURS = {"magenta": "#ff4fd8", "yellow": "#ffd23f", "cyan": "#3fe0ff", "green": "#3ddc97"}
"""Colours that show on black, on grey and on white, by name."""


class Preferences(Settings):
    """What panels begin with.

    Examples
    --------
    >>> Preferences(ring="cyan").ring_colour
    '#3fe0ff'
    """

    network: str = Field(
        AUTO, description="The network that is chosen at first: a bundled one's name, a file, or auto: by each film."
    )
    live: bool = Field(True, description="Show detections of the current frame while settings change.")
    contrast: Contrast = Field("auto", description="Whether the film or its negative is tracked at first.")
    ring: Literal["magenta", "yellow", "cyan", "green"] = Field("magenta", description="Colour of the rings.")

    @field_validator("network")
    @classmethod
    def _there(cls, name: str) -> str:
        if name == AUTO:
            return name
        try:
            path = network_path(name)
        except NetworkFileError as error:
            raise ValueError(f"{error}".rstrip(".")) from error
        if not path.is_file():
            raise ValueError(f"expected a network's name or file, got {name}, which is not there")
        return name

    @property
    def ring_colour(self) -> str:
        """The colour of the rings, as #rrggbb."""
        return RING_COLOURS[self.ring]


def preferences() -> Preferences:
    """Return what is set in napari's preferences; defaults where this napari has none, or nonsense.

    Warns
    -----
    GrowtrackWarning
        For each value that cannot be; its default is taken.
    """
    return Preferences(**{name: value for name, value in _told().items() if _sound(name, value)})


def _told() -> dict[str, Any]:
    """Return the values that napari keeps for this plugin; before 0.9 it keeps none."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return {}
    try:
        category = getattr(get_plugin_settings(PROGRAM), CATEGORY, None)
    except KeyError:
        return {}
    return {name: getattr(category, name) for name in Preferences.model_fields if hasattr(category, name)}


def _sound(name: str, value: Any) -> bool:
    try:
        Preferences(**{name: value})
    except SettingsError as error:
        warnings.warn(f"{error} Its default is used; change it in napari's preferences.", GrowtrackWarning, 3)
        return False
    return True
