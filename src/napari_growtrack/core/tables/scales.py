"""Lengths and times in tables of others, and the scale that a recipe tells.

Recipes hold ``pixel_size`` in micrometres, ``frame_time`` and ``exposure_time`` in seconds.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from ..errors import GrowtrackWarning, TableError

SCALE = {"pixel_size": "micrometres", "frame_time": "seconds", "exposure_time": "seconds"}

_PREFIXES = {"": 1.0, "pico": 1e-12, "nano": 1e-9, "micro": 1e-6, "milli": 1e-3, "centi": 1e-2, "kilo": 1e3}
_METRES = {f"{prefix}{unit}": size for prefix, size in _PREFIXES.items() for unit in ("meter", "metre")}
_METRES |= {"µm": 1e-6, "μm": 1e-6, "um": 1e-6, "micron": 1e-6, "nm": 1e-9, "pm": 1e-12, "mm": 1e-3, "cm": 1e-2}
_METRES |= {"m": 1.0, "angstrom": 1e-10, "å": 1e-10, "inch": 0.0254}
_SECONDS = {f"{prefix}second": size for prefix, size in _PREFIXES.items()}
_SECONDS |= {"s": 1.0, "sec": 1.0, "ms": 1e-3, "msec": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}
_SECONDS |= {"min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0, "day": 86400.0}


def micrometres(unit: str | None) -> float | None:
    """Return how many micrometres a unit is; None where it is no length."""
    metres = _of(unit, _METRES)
    return None if metres is None else round(metres * 1e6, 15)


def seconds(unit: str | None) -> float | None:
    """Return how many seconds a unit is; None where it is no time."""
    return _of(unit, _SECONDS)


def _of(unit: str | None, known: dict[str, float]) -> float | None:
    name = (unit or "").strip().lower()
    return known.get(name, known.get(name.removesuffix("s")))


def is_size(value: Any) -> bool:
    """Return whether a value is a length or a time: a finite number above 0."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def checked(recipe: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a recipe to write, refusing a scale that is none.

    Raises
    ------
    TableError
        When a pixel size or a time is no finite number above 0.
    """
    for name, unit in SCALE.items():
        value = (recipe or {}).get(name)
        if value is not None and not is_size(value):
            raise TableError(f"Expected a {name} above 0, in {unit}, got {_short(value)}. Mend it or leave it out.")
    return recipe


def sane(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe without a scale that is none."""
    return {key: value for key, value in recipe.items() if key not in SCALE or is_size(value)}


def cleaned(recipe: dict[str, Any] | None, name: str) -> dict[str, Any] | None:
    """Return the recipe of a table, without a scale that is none; what is left out is said."""
    if recipe is None:
        return None
    for key in (key for key in SCALE if recipe.get(key) is not None and not is_size(recipe[key])):
        warnings.warn(
            f"{name} tells a {key} of {_short(recipe[key])}; expected a number above 0, in {SCALE[key]}. "
            "It is left out.",
            GrowtrackWarning,
            stacklevel=2,
        )
    return sane(recipe)


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
    return text if len(text) <= 40 else f"{text[:40]}..."
