"""Lengths and times as files tell them, in micrometres and seconds."""

from __future__ import annotations

import math
import re
from typing import Any

_MICROMETRES = {
    1e-4: "angstrom angstroms å",
    1e-6: "pm picometer picometers picometre",
    1e-3: "nm nanometer nanometers nanometre nanometres",
    1.0: "µm μm um micron microns micrometer micrometers micrometre micrometres \\u00b5m",
    1e3: "mm millimeter millimeters millimetre millimetres",
    1e4: "cm centimeter centimeters centimetre centimetres",
    1e6: "m meter meters metre metres",
}
_SECONDS = {
    1e-9: "ns nanosecond nanoseconds",
    1e-6: "µs μs us usec microsecond microseconds \\u00b5s",
    1e-3: "ms msec millisecond milliseconds",
    1.0: "s sec second seconds",
    60.0: "min minute minutes",
    3600.0: "h hour hours",
    86400.0: "d day days",
}

_NUMBER = r"(?P<number>\d+(?:[.,]\d+)?(?:e[-+]?\d+)?)"
_UNIT = r"(?P<unit>µs|μs|us|ms|s|sec)"
_EXPOSURES = (
    re.compile(rf"exposure[^\d\n]{{0,20}}?{_NUMBER}[ \t]*{_UNIT}\b", re.IGNORECASE),  # Exposure: 100 ms
    re.compile(rf"exposure[^\d\n]{{0,12}}?\b{_UNIT}\b[^\d\n]{{0,6}}?{_NUMBER}", re.IGNORECASE),  # Exposure-ms: 100
)


def micrometres(value: Any, unit: Any) -> float | None:
    """Return a length in micrometres; None where the unit is none, or the length no length."""
    return _scaled(value, unit, _MICROMETRES)


def seconds(value: Any, unit: Any) -> float | None:
    """Return a time in seconds; None where the unit is none, or the time no time."""
    return _scaled(value, unit, _SECONDS)


def exposure_in(text: str) -> float | None:
    """Return the exposure in seconds that a text tells with its unit; None where it tells none, or several."""
    found = (one for pattern in _EXPOSURES for one in pattern.finditer(text))
    told = {seconds(one["number"].replace(",", "."), one["unit"]) for one in found}
    return told.pop() if len(told) == 1 else None


def _scaled(value: Any, unit: Any, known: dict[float, str]) -> float | None:
    wanted = str(unit or "").strip().lower()
    factor = next((factor for factor, names in known.items() if wanted in names.split()), None)
    try:
        number = math.nan if factor is None or value is None else float(value) * factor
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None
